"""A whole emulated ARM system: systemd starts, Ansible installs Starling by ssh, tweets are labelled over MQTT."""
