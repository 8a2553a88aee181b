"""Search for files, units, users and processes that the removal of a service has left."""

REMAINS = """
ls -d /opt/starling /etc/starling /etc/udev/rules.d/*starling* /etc/systemd/journald.conf.d/starling.conf 2>&-
systemctl list-unit-files --no-legend 'starling*'
getent passwd starling
pgrep --exact starling
"""
"""Shell commands that print each thing of a node's service that is there."""
