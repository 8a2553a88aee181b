"""Release of memory."""

import asyncio
import gc
import mmap
from collections.abc import Coroutine
from pathlib import Path

import pytest

from stream.commands import run
from stream.model import loading
from stream.model.memory import keep_heap_small, release_freed_memory, release_mapped_pages
from stream.settings import ModelSettings


def resident_bytes(path: Path) -> int:
    """Return how much of a mapped file is in this process's memory."""
    blocks = Path("/proc/self/smaps").read_text().split(f" {path}\n")[1:]
    return sum(int(block.split("Rss:")[1].split()[0]) * 1024 for block in blocks)


def test_the_pages_of_a_mapped_file_are_released_and_loaded_again_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"weights!" * 100_000)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == path.read_bytes()
        assert resident_bytes(path) >= 800_000
        release_mapped_pages(str(path))
        assert resident_bytes(path) == 0
        assert mapped[:] == path.read_bytes()


def test_a_file_that_is_not_mapped_is_ignored(tmp_path: Path) -> None:
    release_mapped_pages(str(tmp_path / "elsewhere"))


def test_the_heap_can_be_kept_small_wherever_this_runs() -> None:
    keep_heap_small()


def test_collections_of_the_service_do_not_visit_modules_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = 0

    def serve(service: Coroutine[None, None, None]) -> None:
        nonlocal frozen
        service.close()
        frozen = gc.get_freeze_count()

    monkeypatch.setattr(asyncio, "run", serve)
    monkeypatch.setattr(run, "log_to_stderr", lambda *_: None)
    try:
        run.run_until_signalled(None)
    finally:
        gc.unfreeze()
    assert frozen > 10_000
    assert gc.get_freeze_count() == 0


def anonymous_bytes() -> int:
    """Return how much of this process's own memory is resident."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return int(rollup.split("Anonymous:")[1].split()[0]) * 1024


def test_memory_freed_within_the_heap_is_returned_to_the_system() -> None:
    blocks = [b"x" * 65_536 for _ in range(500)]
    last = b"x" * 65_536  # above the others, so that malloc itself returns nothing
    before = anonymous_bytes()
    blocks.clear()
    release_freed_memory()
    assert before - anonymous_bytes() > 30_000_000
    assert last


def test_memory_is_returned_after_a_model_was_loaded(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(loading, "release_freed_memory", lambda: calls.append(None))
    loading.load_model(ModelSettings(path=tiny_bundle, interpreters=1))
    assert calls == [None]
