"""Logging on stderr: one line of text or JSON for each event, with priorities for systemd's journal."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

LogFormat = Literal["text", "json"]
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7
"""Priorities of syslog, as sd-daemon(3) writes them in front of a line."""


def log_to_stderr(level: str, log_format: LogFormat = "text") -> None:
    """Show events from a level on.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        log_format: `text`, or `json` for one object per line.
    """
    to_journal = is_journal(sys.stderr, os.environ)
    formatter = JsonFormatter() if log_format == "json" else TextFormatter(with_time=not to_journal)
    handler = logging.StreamHandler()
    handler.setFormatter(JournalFormatter(formatter) if to_journal else formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a stream goes to systemd's journal, as JOURNAL_STREAM tells: `device:inode`, systemd.exec(5)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or not a file
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class TextFormatter(logging.Formatter):
    """Lines for people.

    Args:
        with_time: Whether each has the time; the journal has its own.
    """

    def __init__(self, *, with_time: bool = True) -> None:
        super().__init__(("%(asctime)s " if with_time else "") + "%(levelname)s %(name)s: %(message)s")


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC, ISO 8601), level, logger, message, and exception where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as JSON."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            event["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(event)


class JournalFormatter(logging.Formatter):
    """Puts the event's priority in front of each of its lines, because the journal takes each line as an entry."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the event's lines."""
        priority = next((priority for level, priority in _PRIORITIES if record.levelno >= level), _DEBUG_PRIORITY)
        return "\n".join(f"<{priority}>{line}" for line in self._inner.format(record).splitlines())
