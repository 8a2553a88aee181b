"""The format of a file of tweets, as its beginning tells."""

import re
from typing import Literal

import orjson

from stream.errors import InputError
from stream.tweets.lines import without_byte_order_mark
from stream.tweets.source import Source
from stream.tweets.tables import Columns, delimiter_of

Format = Literal["json", "json-lines", "json-values", "csv", "tsv", "text"]
"""json: json-lines or json-values; json-values: an array, or objects one after another, on any number of lines."""
_HEAD_BYTES = 65_536
"""The format must be clear from so many bytes."""
_ARCHIVE = re.compile(rb"window\.YTD\.(\w{1,64})\.part\d+\s*=\s*(?=\[)")
_ARCHIVE_PARTS = (b"tweet", b"tweets", b"deleted_tweets", b"community_tweet")
_ARRAY = re.compile(rb"\[\s*(?:[{\]]|$)")
_UNREADABLE = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF file",
}
_EXPECTED = (
    "JSON lines, a JSON array, pages of the X API, tweets.js of Twitter's archive, Bluesky or Mastodon posts, or CSV "
    "or TSV whose header names the column of texts ('text', or --text-column NAME); plain text, one tweet per line, "
    "needs --text"
)


def read_head(source: Source) -> bytes:
    """Read until the first line with content is complete, but no more than is needed to tell the format."""
    head = b""
    while len(head) < _HEAD_BYTES and (content := source.read()):
        head += content
        if b"\n" in without_byte_order_mark(head).lstrip():
            break
    return head


def check_encoding(head: bytes, name: str) -> None:
    """Check that a file is text in UTF-8, as far as its beginning tells.

    Raises:
        InputError: It is not; says what it is.
    """
    kind = next((kind for magic, kind in _UNREADABLE.items() if head.startswith(magic)), None)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:4].count(b"\0") in {2, 3}:
        raise InputError(f"{name} is UTF-16 or UTF-32: save it as UTF-8, or convert it by iconv -f UTF-16 -t UTF-8")
    if kind:
        raise InputError(f"{name} is {kind}: expected {_EXPECTED}; gzip is decompressed")


def format_of(head: bytes, columns: Columns, name: str) -> Format:
    """Find the format of a file.

    Args:
        head: Its beginning, at least up to the end of the first line with content.
        columns: The columns that the user named.
        name: The file's name, for the error.

    Raises:
        InputError: It is none of those that are known; says what was expected.
    """
    start = head.lstrip()
    line = first_line(head)
    if not start or start.startswith(b"{") or _ARRAY.match(start) or archive_name_bytes(head):
        return json_format_of(head)
    delimiter = delimiter_of(line, columns)
    if delimiter:
        return "tsv" if delimiter == "\t" else "csv"
    # A first line that is damaged does not make the following ones something else.
    if any(_is_json_object(other.decode("utf-8", "replace")) for other in start.split(b"\n")[1:-1]):
        return "json-lines"
    raise InputError(f"{name} has no format that is known here{_archive_part(start)}: expected {_EXPECTED}")


def json_format_of(head: bytes) -> Format:
    """Find out whether JSON has a value on each line."""
    line = first_line(head)
    if _ARRAY.match(head.lstrip()) or archive_name_bytes(head):
        return "json-values"
    is_indented = line.startswith("{") and line.endswith(("{", "[", ",", ":")) and b"\n" in head.lstrip()
    return "json-values" if is_indented and not _is_json_object(line) else "json-lines"


def first_line(head: bytes) -> str:
    """Return the first line with content."""
    return head.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace").rstrip()


def _is_json_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def archive_name_bytes(head: bytes) -> int:
    """Return the length of what stands before the array in a file of the archive with tweets; 0 for other files."""
    found = _ARCHIVE.match(head.lstrip())
    return len(head) - len(head.lstrip()) + found.end() if found and found[1] in _ARCHIVE_PARTS else 0


def _archive_part(start: bytes) -> str:
    found = _ARCHIVE.match(start)
    return f" (it is the part '{found[1].decode('ascii', 'replace')}' of Twitter's archive)" if found else ""
