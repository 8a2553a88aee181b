#!/bin/sh
# Prints facts about the node for the preflight check as JSON; changes nothing.
python=$1
root=$2
folder=$root
[ -d "$folder" ] || folder=/
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
free=$(df --output=avail --block-size=1M "$folder" | tail -n 1)
cat <<END
{"programs": "$(dpkg --print-architecture 2>/dev/null)",
 "init": "$(cat /proc/1/comm)",
 "python": "$version",
 "free_mebibytes": $free,
 "clock": $(date +%s)}
END
