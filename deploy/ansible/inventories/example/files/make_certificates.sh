#!/bin/sh
# Makes an authority, and a certificate for each host: make_certificates.sh NAME=ADDRESS…
# Run it in the inventory's folder `files`, then encrypt the keys: ansible-vault encrypt *.key
set -eu
umask 077
[ -e ca.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=Starling fleet" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem
for host in "$@"; do
    name=${host%%=*}
    address=${host#*=}
    case $address in
        *[!0-9.:a-fA-F]*) kind=DNS ;;
        *) kind=IP ;;
    esac
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    printf 'subjectAltName=DNS:%s,%s:%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$name" "$kind" "$address" > "$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile "$name.ext" -out "$name.pem"
    rm "$name.csr" "$name.ext"
done
