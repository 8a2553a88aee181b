"""The `starling demo` command: embedded broker, service and publisher in one process."""
