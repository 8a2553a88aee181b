"""What the service reports: metrics, machine resources, health, systemd, event loop lag, logs."""
