"""What a removed service could leave behind."""

REMAINS = """
ls -d /opt/starling /etc/starling /etc/udev/rules.d/*starling* /etc/systemd/journald.conf.d/starling.conf 2>&-
systemctl list-unit-files --no-legend 'starling*'
getent passwd starling
pgrep --exact starling
"""
"""Shell commands that print each thing of a node's service that is there."""
