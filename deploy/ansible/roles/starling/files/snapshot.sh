#!/bin/sh
# Keeps what serves now, to go back to: links, settings, secrets, unit. Marks that a switch is under way, so that one
# that was cut short keeps what served before it, and not its own half.
set -eu
root=$1
umask 077
rm -rf "$root/previous.new"
mkdir "$root/previous.new"
cp -a /etc/starling "$root/previous.new/etc"
cp -a /etc/systemd/system/starling.service "$root/previous.new/"
cp -a "$root/current" "$root/previous.new/"
if [ -L "$root/model" ]; then cp -a "$root/model" "$root/previous.new/"; fi
rm -rf "$root/previous"
mv "$root/previous.new" "$root/previous"
