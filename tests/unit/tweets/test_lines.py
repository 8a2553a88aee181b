import gzip
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from stream.tweets.lines import Line, Overlong, open_lines, read_lines
from stream.tweets.source import Source, open_source

THREE_LINES = b'{"id":"1"}\n\n  three'


def read(name: str) -> list[bytes]:
    with open_lines(name) as lines:
        return list(lines)


@contextmanager
def piped() -> Iterator[tuple[Source, int]]:
    """A source on a pipe, and the descriptor to write to it."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as file:
        source = Source("pipe", file)
        yield source, writing
        source.close()


def lines_of(content: bytes, longest_bytes: int) -> list[Line | None]:
    return list(read_lines(Source("memory", io.BytesIO(content)), longest_bytes))


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "tweets.jsonl"
    path.write_bytes(THREE_LINES)
    assert read(str(path)) == [b'{"id":"1"}', b"", b"  three"]


@pytest.mark.parametrize("name", ["tweets.jsonl.gz", "tweets.jsonl", "tweets"])
def test_gzip_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(THREE_LINES))
    assert read(str(path)) == [b'{"id":"1"}', b"", b"  three"]


def test_a_plain_file_with_a_gzip_name_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tweets.gz"
    path.write_bytes(b"not compressed")
    assert read(str(path)) == [b"not compressed"]


def test_a_gzip_file_of_several_members_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "tweets.gz"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"") + gzip.compress(b"o\n") + bytes(100))
    assert read(str(path)) == [b"one", b"two"]


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(THREE_LINES))
    monkeypatch.setattr("sys.stdin", stdin)
    assert read("-") == [b'{"id":"1"}', b"", b"  three"]
    assert not stdin.closed


def test_compressed_stdin_is_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(THREE_LINES))))
    assert len(read("-")) == 3


def test_a_closed_stdin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="stdin: it is closed"):
        read("-")


def test_the_line_ends_of_windows_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"one\r\ntwo\r\n")
    assert read(str(path)) == [b"one", b"two"]


def test_bytes_that_are_not_utf8_are_left_to_the_reader(tmp_path: Path) -> None:
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
    [COMPRESSED[:1] + b"\x8b", COMPRESSED[:-20], damaged(COMPRESSED), COMPRESSED[:-8] + bytes(8), COMPRESSED + b"x"],
    ids=["magic alone", "cut short", "damaged", "wrong checksum", "something behind it"],
)
def test_a_damaged_gzip_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tweets.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^cannot read {path}: "):
        read(str(path))


@pytest.mark.parametrize("error", [BrokenPipeError(), TimeoutError(), OSError(28, "No space left on device")])
def test_an_error_while_the_file_is_open_is_not_blamed_on_the_file(tmp_path: Path, error: OSError) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"one\n")
    with pytest.raises(type(error)), open_lines(str(path)):
        raise error


def test_a_line_of_the_longest_length_is_kept_and_a_longer_one_is_not() -> None:
    assert lines_of(b"12345\n123456\n\n12345", 5) == [b"12345", Overlong(6), b"", b"12345"]
    assert lines_of(b"123456", 5) == [Overlong(6)]


def test_a_line_longer_than_memory_allows_is_never_held() -> None:
    class Endless(io.BytesIO):
        """200 MB without a line end."""

        pieces = 200 * 16

        def read(self, size: int | None = -1, /) -> bytes:
            self.pieces -= 1
            return b"a" * (size or 0) if self.pieces > 0 else b""

    source = Source("endless", Endless())
    lines = list(read_lines(source, longest_bytes=2**20))
    assert lines == [Overlong(source.bytes_read)]
    assert source.bytes_read > 2e8


@given(st.lists(st.binary(max_size=12)), st.integers(0, 8))
def test_lines_are_those_that_splitting_gives(parts: list[bytes], longest_bytes: int) -> None:
    content = b"\n".join([b"", *parts])  # so that it does not look like gzip
    expected = content.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    kept = [line.removesuffix(b"\r") if len(line) <= longest_bytes else Overlong(len(line)) for line in expected]
    assert lines_of(content, longest_bytes) == kept


def test_lines_that_have_arrived_come_before_the_pause() -> None:
    with piped() as (source, writing):
        lines = read_lines(source)
        assert next(lines) is None
        os.write(writing, b"one\ntwo\nthr")
        assert [next(lines), next(lines), next(lines)] == [b"one", b"two", None]
        os.write(writing, b"ee\n")
        assert next(lines) == b"three"
        os.close(writing)
        assert [line for line in lines if line is not None] == []


def test_a_stopped_source_ends_while_it_waits_and_gives_the_whole_lines() -> None:
    with piped() as (source, writing):
        os.write(writing, b"one\ntw")
        lines = read_lines(source)
        assert next(line for line in lines if line) == b"one"
        waiting = threading.Thread(target=source.stop)
        assert next(lines) is None
        waiting.start()
        assert list(lines) == []
        waiting.join()
        os.close(writing)


def test_bytes_pushed_back_come_first(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"two")
    with open_source(str(path)) as source:
        source.push_back(b"one ")
        assert source.read() + source.read() == b"one two"


def test_the_size_of_a_file_is_known_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "tweets.txt"
    path.write_bytes(b"12345")
    with open_source(str(path)) as source:
        assert source.size_bytes == 5


def test_the_size_of_a_pipe_is_unknown() -> None:
    with piped() as (source, writing):
        os.close(writing)
        assert source.size_bytes is None
    assert Source("memory", io.BytesIO(b"12345")).size_bytes is None
