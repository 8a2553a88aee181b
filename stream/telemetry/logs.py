"""Logging: one line an event, on stderr, where systemd's journal and a terminal both find it."""

import logging


def log_to_stderr(level: str) -> None:
    """Show events from this level on.

    Args:
        level: `debug`, `info`, `warning` or `error`.
    """
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
