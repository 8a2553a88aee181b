"""Reading of data files, gzipped or not, with errors that name the file."""

from pathlib import Path

from stream.errors import InputError
from stream.files import read_file


def read_bytes(path: Path) -> bytes:
    """Read a whole file, decompressed if it is gzipped.

    Raises:
        InputError: The file cannot be read, is damaged, or is empty.
    """
    content = read_file(path)
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
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line} is not UTF-8: save it as UTF-8") from error
    if not text.strip():
        raise InputError(f"{path} is empty")
    return text
