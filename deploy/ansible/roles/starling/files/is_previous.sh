#!/bin/sh
# Ends with 0 where what serves is what snapshot.sh kept, with 1 where it is not.
set -eu
root=$1
[ ! -e "$root/switching" ] || exit 1
for link in current model; do
    [ "$(readlink "$root/$link")" = "$(readlink "$root/previous/$link")" ] || exit 1
done
diff --recursive --brief /etc/starling "$root/previous/etc" >&2 || exit 1
cmp --quiet /etc/systemd/system/starling.service "$root/previous/starling.service" || exit 1
systemctl --quiet is-active starling || exit 1
