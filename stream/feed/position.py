"""The position in the source, in a file that is replaced in one step."""

import asyncio
import fcntl
import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from stream.errors import InputError
from stream.feed.events import Cursor
from stream.files import replace_text

logger = logging.getLogger(__name__)

_LONGEST_FILE_BYTES = 65_536


class Position:
    """The file of a source's position.

    Args:
        path: The file.
        identity: Name of the stream that the position belongs to.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._stored: Cursor | None = None
        self._writing: asyncio.Future[None] | None = None
        self.unreadable = False
        """True if there was a position that cannot be used."""

    def load(self) -> Cursor | None:
        """Return the stored position; None where there is none for this stream, or where it cannot be used."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"cannot read the position in the source, {self._path}: {error.strerror}") from error
        cursor = _cursor_of(content, self._identity)
        if isinstance(cursor, str):
            self.unreadable = True
            logger.warning("the position in %s cannot be used (%s); the source is read from now on", self._path, cursor)
            return None
        self._stored = cursor
        return cursor

    async def store(self, cursor: Cursor | None) -> bool:
        """Store a position, in a thread because the disk may be slow.

        Returns:
            Whether it is on the disk. A disk that takes no more is logged and tried again at the next call.
        """
        if cursor is None or cursor == self._stored:
            return True
        content = orjson.dumps({"stream": self._identity, "cursor": cursor, "written_at": time.time()}).decode()
        if self._writing and not self._writing.done():  # one that was begun before a cancellation
            await asyncio.wait([self._writing])
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, replace_text, self._path, content + "\n")
        try:
            await asyncio.shield(self._writing)
        except OSError as error:
            logger.error("cannot write the position in the source, %s: %s", self._path, error.strerror)  # noqa: TRY400  (the sentence says all)
            return False
        self._stored = cursor
        return True


def _cursor_of(content: bytes, identity: str) -> Cursor | str | None:
    """Return the position in a file's content; a string that says why there is none; None for another stream's."""
    if len(content) > _LONGEST_FILE_BYTES:
        return f"it has {len(content)} bytes"
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "it is not JSON"
    if not isinstance(found, dict) or not isinstance(found.get("cursor"), dict):
        return "it has no position"
    if found.get("stream") != identity:
        logger.info("the stored position is that of %r and is not used for %r", found.get("stream"), identity)
        return None
    cursor: Cursor = found["cursor"]
    if not all(isinstance(value, str | int) or _is_finite(value) for value in cursor.values()):
        return "it has values of the wrong type"
    return cursor


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def state_folder(configured: Path | None) -> Path:
    """Return the folder of the positions: the settings', systemd's for the unit, or the user's."""
    if configured:
        return configured
    if named := os.environ.get("STATE_DIRECTORY"):  # systemd.exec(5); several are separated by colons
        return Path(named.split(":", maxsplit=1)[0])
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "starling"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a second feeder from using the same position.

    Args:
        path: File of the position.

    Raises:
        InputError: Another feeder uses it, or the folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise InputError(
            f"cannot write {lock}: {error.strerror}; set feed.state_folder to a folder that can be written"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another feeder uses {path}: stop it, or give this one a feed.state_folder of its own"
            ) from error
        yield
