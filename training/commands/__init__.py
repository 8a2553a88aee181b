"""Implementations of the commands that training/ adds to `starling`, one file per command."""
