"""Atomic writing of files and folders, with the errors of training."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import save_file

from stream import files
from training.errors import TrainingError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or folder, which replaces `path` when the block ends without an error.

    Raises:
        TrainingError: The file cannot be written; `path` is unchanged, and the temporary path is removed.
    """
    try:
        with files.replacing(path) as temporary:
            yield temporary
    except (OSError, SafetensorError) as error:
        # safetensors raises its own exception for a full disk, with the system's message.
        reason = getattr(error, "strerror", None) or error
        raise TrainingError(
            f"cannot write {path}: {reason}; files written before are complete, and the same command continues the run"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write arrays atomically, in safetensors' format."""
    with replacing(path) as temporary:
        save_file(dict(arrays), temporary, metadata=dict(metadata))
