"""The `starling power` commands."""
