"""What stream.model.memory gives back."""

import mmap
from pathlib import Path

from stream.model.memory import forget_pages_of, keep_heap_small


def resident_bytes(path: Path) -> int:
    """How much of a mapped file stands in this process's memory."""
    blocks = Path("/proc/self/smaps").read_text().split(f" {path}\n")[1:]
    return sum(int(block.split("Rss:")[1].split()[0]) * 1024 for block in blocks)


def test_the_pages_of_a_mapped_file_are_let_go_and_come_back_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"weights!" * 100_000)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == path.read_bytes()
        assert resident_bytes(path) >= 800_000
        forget_pages_of(path)
        assert resident_bytes(path) == 0
        assert mapped[:] == path.read_bytes()


def test_a_file_that_is_not_mapped_is_passed_over(tmp_path: Path) -> None:
    forget_pages_of(tmp_path / "elsewhere")


def test_the_heap_can_be_kept_small_wherever_this_runs() -> None:
    keep_heap_small()
