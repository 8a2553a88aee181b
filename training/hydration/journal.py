"""The files that hydration appends to, so that no tweet is fetched twice.

`FILE` has a JSON line for each tweet that was found, and `FILE.missing` one for each that was not. Lines are on the
disk before the next request; a last line that a crash left incomplete is removed when the files are opened again.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from stream.errors import InputError
from training.hydration.found import Found, Missing

MISSING_SUFFIX = ".missing"


class Journal:
    """Both files, open for appending; a context manager.

    Args:
        path: `FILE`.

    Raises:
        InputError: A file cannot be read or written, or is not one of these.
    """

    def __init__(self, path: Path) -> None:
        missing_path = path.with_name(path.name + MISSING_SUFFIX)
        self.texts = {str(row["id"]): str(row["text"]) for row in _recovered(path, "text")}
        """Texts by id of the tweets found so far."""
        self.reasons = {str(row["id"]): str(row["reason"]) for row in _recovered(missing_path, "reason")}
        """Reasons by id of the tweets missed so far."""
        self._found, self._missing = _opened(path), _opened(missing_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._found.close()
        self._missing.close()

    def has(self, tweet_id: str) -> bool:
        """Return whether a tweet was found or missed before."""
        return tweet_id in self.texts or tweet_id in self.reasons

    def add(self, found: Sequence[Found], missing: Sequence[Missing]) -> None:
        """Append results, and return when they are on the disk.

        Raises:
            InputError: It cannot be written.
        """
        _append(self._found, found)
        _append(self._missing, missing)
        self.texts |= {tweet.id: tweet.text for tweet in found}
        self.reasons |= {tweet.id: tweet.reason for tweet in missing}


def _recovered(path: Path, needed: str) -> Iterator[dict[str, Any]]:
    """Read the complete lines, and remove what follows the last of them."""
    if not path.exists():
        return
    try:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(path, len(whole))
    except OSError as error:
        raise InputError(f"cannot go on with {path}: {error.strerror}") from error
    for number, line in enumerate(whole.splitlines(), start=1):
        yield _row(line, needed, f"{path}, line {number}")


def _row(line: bytes, needed: str, where: str) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict) or not {"id", needed} <= row.keys():
        raise InputError(f"{where} is not from an earlier hydration: name another file with --out")
    return row


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _append(file: IO[bytes], rows: Iterable[Found | Missing]) -> None:
    lines = b"".join(orjson.dumps(asdict(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    if not lines:
        return
    try:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise InputError(f"cannot write {file.name}: {error.strerror}") from error
