#!/bin/sh
# Prints releases and models that neither the current nor the previous state uses.
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
