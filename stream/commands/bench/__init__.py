"""The `starling bench` commands."""
