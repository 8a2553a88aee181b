"""Runs the changes that mutmut makes, many times faster than mutmut does: `make mutation`."""
