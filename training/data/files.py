"""Reading of data files, gzipped or not, with errors that name the file."""

import gzip
import zlib
from pathlib import Path

from stream.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """Read a whole file, decompressed if it is gzipped.

    Raises:
        InputError: The file cannot be read, is damaged, or is empty.
    """
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:  # EOFError, zlib.error: a truncated or damaged gzip file
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not content.strip():
        raise InputError(f"{path} is empty")
    return content


def read_utf8(path: Path) -> str:
    """Read a whole UTF-8 file, without its byte order mark.

    Raises:
        InputError: As for `read_bytes`, or the file is not UTF-8.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line} is not UTF-8: save it as UTF-8") from error
