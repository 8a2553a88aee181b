#!/bin/sh
# Prints the releases and models that neither serve nor served before.
set -eu
root=$1
for folder in "$root"/releases/* "$root"/models/*; do
    [ -d "$folder" ] || continue
    used=no
    for link in "$root/current" "$root/model" "$root/previous/current" "$root/previous/model"; do
        [ "$(readlink "$link")" != "$folder" ] || used=yes
    done
    [ $used = yes ] || echo "$folder"
done
