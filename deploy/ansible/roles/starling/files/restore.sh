#!/bin/sh
# Restores the state that snapshot.sh saved. It can be repeated after an interruption.
set -eu
root=$1
rm -rf /etc/starling.new
cp -a "$root/previous/etc" /etc/starling.new
rm -rf /etc/starling
mv /etc/starling.new /etc/starling
cp -a "$root/previous/starling.service" /etc/systemd/system/
for link in current model; do
    if [ -L "$root/previous/$link" ]; then
        cp -a "$root/previous/$link" "$root/$link.new"
        mv -T "$root/$link.new" "$root/$link"
    else
        rm -f "$root/$link"
    fi
done
systemctl daemon-reload
