import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from stream.files import Gunzip, decompressed, read_file, replace_text, replacing


@given(
    parts=st.lists(st.binary(max_size=200), min_size=1, max_size=4), piece=st.integers(1, 50), most=st.integers(1, 64)
)
def test_gzip_in_pieces_gives_what_was_compressed(parts: list[bytes], piece: int, most: int) -> None:
    compressed = b"".join(map(gzip.compress, parts)) + bytes(3)
    gunzip, found = Gunzip(), []
    for first in range(0, len(compressed), piece):
        found.append(gunzip.feed(compressed[first : first + piece], most))
        while not gunzip.needs_input:
            found.append(gunzip.feed(b"", most))
    gunzip.finish()
    assert b"".join(found) == b"".join(parts) == decompressed(compressed)
    assert all(len(content) <= most for content in found)


def test_gzip_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"content")[:-3])
    with pytest.raises(InputError, match="ends early"):
        read_file(path)


@pytest.mark.parametrize("name", ["file", "file.gz"])
def test_a_file_is_decompressed_if_its_content_is_gzip(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"plain")
    assert read_file(path) == b"plain"
    path.write_bytes(gzip.compress(b"compressed"))
    assert read_file(path) == b"compressed"


def test_a_file_is_replaced_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    replace_text(path, "one")
    path.chmod(0o640)
    replace_text(path, "two \u00e9")
    assert path.read_text(encoding="utf-8") == "two \u00e9"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_file_stays_where_its_replacement_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("tw")
            assert path.read_text() == "one"
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail()
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with replacing(path) as partial:
        partial.mkdir()
        (partial / "file").write_text("one")
        assert not path.exists()
    assert (path / "file").read_text() == "one"


def test_the_rest_of_an_earlier_attempt_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".file.partial").mkdir()
    replace_text(tmp_path / "file", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
