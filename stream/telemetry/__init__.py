"""Reports about the service: metrics, machine resources, health, systemd, event loop delay, logs."""
