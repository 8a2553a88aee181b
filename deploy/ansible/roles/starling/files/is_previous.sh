#!/bin/sh
# Exits with 0 if the current state is the one that snapshot.sh saved, otherwise with 1.
set -eu
root=$1
[ ! -e "$root/switching" ] || exit 1
for link in current model; do
    [ "$(readlink "$root/$link")" = "$(readlink "$root/previous/$link")" ] || exit 1
done
diff --recursive --brief /etc/starling "$root/previous/etc" >&2 || exit 1
cmp --quiet /etc/systemd/system/starling.service "$root/previous/starling.service" || exit 1
systemctl --quiet is-active starling || exit 1
