import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from stream.model import private_copy
from stream.model.private_copy import PrivateCopy

CONTENT = b"weights!" * 1000


def test_a_copy_holds_what_it_was_given_and_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_copy, "_DISK_FOLDER", str(tmp_path))
    copy = PrivateCopy([CONTENT[:5], CONTENT[5:]], len(CONTENT))
    assert copy.path.read_bytes() == CONTENT
    assert copy.size_bytes == len(CONTENT)
    assert copy.mapped_name.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 10 * len(CONTENT)])
def test_the_size_is_that_of_the_content_whatever_was_expected(size: int) -> None:
    assert PrivateCopy([CONTENT], size).path.read_bytes() == CONTENT


def test_an_empty_copy_is_empty() -> None:
    assert PrivateCopy([], 0).path.read_bytes() == b""


def test_without_the_folder_on_disk_the_temporary_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_copy, "_DISK_FOLDER", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert PrivateCopy([CONTENT], len(CONTENT)).mapped_name.startswith(str(tmp_path))


def test_where_no_folder_has_room_the_copy_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = os.posix_fallocate

    def full(descriptor: int, offset: int, size: int) -> None:
        if "memfd" not in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reserve(descriptor, offset, size)

    monkeypatch.setattr("os.posix_fallocate", full)
    copy = PrivateCopy([CONTENT], len(CONTENT))
    assert copy.mapped_name.startswith("/memfd:")
    assert copy.path.read_bytes() == CONTENT


def test_without_any_temporary_folder_the_copy_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Any:
        raise FileNotFoundError(errno.ENOENT, "no usable temporary directory")

    monkeypatch.setattr(private_copy, "_DISK_FOLDER", "/nowhere")
    monkeypatch.setattr("tempfile.gettempdir", none)
    assert PrivateCopy([CONTENT], len(CONTENT)).path.read_bytes() == CONTENT


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_without_room_anywhere_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = open_files()
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        PrivateCopy([CONTENT], len(CONTENT))
    assert open_files() == before
