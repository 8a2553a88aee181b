"""Writes files and folders that are either complete or not there."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import save_file

from training.errors import TrainingError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to, a file or a folder, which takes the place of `path` once all is written.

    Raises:
        TrainingError: It cannot be written; nothing of it is left, and what was at `path` still is.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        yield temporary
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        # safetensors tells of a full disk in its own exception, by the system's words.
        reason = getattr(error, "strerror", None) or error
        raise TrainingError(
            f"cannot write {path}: {reason}; what was written before is whole, and the same command goes on from there"
        ) from error
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write arrays in safetensors' format."""
    with replacing(path) as temporary:
        save_file(dict(arrays), temporary, metadata=dict(metadata))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
