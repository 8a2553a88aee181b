import gzip
import io
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.tweets.lines import open_lines, size_bytes

THREE_LINES = b'{"id":"1"}\n\n  three'


def read(name: str) -> list[bytes]:
    with open_lines(name) as lines:
        return list(lines)


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "tweets.jsonl"
    path.write_bytes(THREE_LINES)
    assert read(str(path)) == [b'{"id":"1"}', b"", b"  three"]


def test_a_gzip_file_is_read_as_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "tweets.jsonl.gz"
    path.write_bytes(gzip.compress(THREE_LINES))
    assert read(str(path)) == [b'{"id":"1"}', b"", b"  three"]


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(THREE_LINES))
    monkeypatch.setattr("sys.stdin", stdin)
    assert read("-") == [b'{"id":"1"}', b"", b"  three"]
    assert not stdin.closed


def test_the_line_ends_of_windows_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"one\r\ntwo\r\n")
    assert read(str(path)) == [b"one", b"two"]


def test_bytes_that_are_no_utf8_are_left_to_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"\xff\x00\n\xfe")
    assert read(str(path)) == [b"\xff\x00", b"\xfe"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.touch()
    assert read(str(path)) == []


@pytest.mark.parametrize("name", ["tweets.jsonl", "tweets.jsonl.gz"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"^cannot read {tmp_path / name}: No such file or directory$"):
        read(str(tmp_path / name))


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        read(str(tmp_path))


def damaged(content: bytes) -> bytes:
    """Spoil the compressed data behind the header of ten bytes."""
    return content[:12] + bytes(byte ^ 0xFF for byte in content[12:20]) + content[20:]


COMPRESSED = gzip.compress(bytes(range(256)) * 100)


@pytest.mark.parametrize(
    "content",
    [b"not compressed", COMPRESSED[:-20], damaged(COMPRESSED), COMPRESSED[:-8] + bytes(8)],
    ids=["plain", "cut short", "damaged", "wrong checksum"],
)
def test_a_gzip_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tweets.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^cannot read {path}: "):
        read(str(path))


@pytest.mark.parametrize("error", [BrokenPipeError(), TimeoutError(), OSError(28, "No space left on device")])
def test_what_fails_while_the_file_is_open_is_no_fault_of_the_file(tmp_path: Path, error: OSError) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"one\n")
    with pytest.raises(type(error)), open_lines(str(path)):
        raise error


def test_the_size_of_a_plain_file_is_known_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"12345")
    assert size_bytes(str(path)) == 5


@pytest.mark.parametrize("name", ["-", "tweets.gz", "missing.txt", "."])
def test_the_size_of_anything_else_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tweets.gz").write_bytes(COMPRESSED)
    assert size_bytes(name) is None
