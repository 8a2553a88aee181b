#!/bin/sh
# Saves the current state for a rollback: links, settings, secrets, unit.
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
