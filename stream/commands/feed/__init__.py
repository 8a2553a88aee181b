"""The `starling feed` commands."""
