"""Formats of the log."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream.telemetry.logs import JournalFormatter, JsonFormatter, TextFormatter, is_journal

PROGRAM = """
import logging
from stream.telemetry.logs import log_to_stderr
log_to_stderr("info", "{format}")
logging.getLogger("test").debug("hidden")
logging.getLogger("test").warning("one\\ntwo")
"""


def record(level: int, message: str, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("stream.test", level, "test.py", 1, message, None, info)


def test_json_is_one_object_on_one_line() -> None:
    line = JsonFormatter().format(record(logging.WARNING, 'lost "connection"\nagain'))
    assert "\n" not in line
    event = json.loads(line)
    assert event.keys() == {"time", "level", "logger", "message"}
    assert (event["level"], event["logger"], event["message"]) == (
        "warning",
        "stream.test",
        'lost "connection"\nagain',
    )
    assert event["time"].endswith("+00:00")


def test_json_has_the_traceback_of_an_exception() -> None:
    event = json.loads(JsonFormatter().format(record(logging.ERROR, "failed", ValueError("why"))))
    assert event["exception"] == "ValueError: why\n"


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.CRITICAL, 2),
        (logging.ERROR, 3),
        (logging.WARNING, 4),
        (logging.INFO, 6),
        (logging.DEBUG, 7),
        (logging.ERROR + 1, 3),
    ],
)
def test_each_line_for_the_journal_has_the_priority(level: int, priority: int) -> None:
    formatter = JournalFormatter(TextFormatter(with_time=False))
    lines = formatter.format(record(level, "one\ntwo")).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"<{priority}>") for line in lines)


def test_only_the_stream_that_is_named_is_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        status = os.fstat(file.fileno())
        assert is_journal(file, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(file, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(file, {"JOURNAL_STREAM": ""})
        assert not is_journal(file, {})
    assert not is_journal(file, {"JOURNAL_STREAM": "1:2"})  # closed


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("journal", [True, False])
def test_the_log_goes_to_stderr_in_its_format(tmp_path: Path, log_format: str, *, journal: bool) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        status = os.fstat(file.fileno())
        variables = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"} if journal else {}
        command = [sys.executable, "-c", PROGRAM.format(format=log_format)]
        subprocess.run(command, stderr=file, env=os.environ | variables, check=True)
    lines = path.read_text().splitlines()
    assert len(lines) == (1 if log_format == "json" else 2)
    assert all(line.startswith("<4>") for line in lines) == journal
    if log_format == "json":
        assert json.loads(lines[0].removeprefix("<4>"))["message"] == "one\ntwo"
    else:
        assert lines[0].endswith("WARNING test: one")
