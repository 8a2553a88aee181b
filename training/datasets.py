"""The one way to labelled tweets, whatever their format: for training, conversion and evaluation alike."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stream.errors import InputError
from training.data.files import read_utf8
from training.data.formats import Format, Table
from training.data.replab import is_replab, read_replab
from training.data.semeval import is_semeval, read_semeval
from training.data.tables import Columns, read_table
from training.data.tweets import Dataset

_KINDS: dict[str, Table] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv"}
_SUFFIXES = (*_KINDS, ".txt")


@dataclass(frozen=True)
class ReadOptions:
    """How data is to be read."""

    format: Format | None = None
    """None: by the file's name and first line."""
    columns: Columns = field(default_factory=Columns)


def read_dataset(paths: Iterable[Path], read_options: ReadOptions | None = None) -> Dataset:
    """Read files and folders of labelled tweets, every row of them, in the order given.

    Args:
        paths: Each a file in any of the formats, gzipped or not, a folder of such files, or RepLab's folder.
        read_options: How; None: as the files show.

    Raises:
        InputError: Something cannot be read, is not what it should be, or holds no tweets; says which.
    """
    dataset = Dataset.joined(_read(path, read_options or ReadOptions()) for path in paths)
    if not dataset.tweets:
        reasons = "".join(f", {count} {reason}" for reason, count in dataset.left_out.items())
        raise InputError(
            f"{' and '.join(map(str, paths))} holds no labelled tweet with a text "
            f"({len(dataset.ids_without_text)} without text{reasons})"
        )
    return dataset


def _read(path: Path, read_options: ReadOptions) -> Dataset:
    if read_options.format == "replab" or (read_options.format is None and is_replab(path)):
        return read_replab(path)
    if path.is_dir():
        return Dataset.joined(_read(file, read_options) for file in _files(path))
    kind = read_options.format or _recognised(path)
    return read_semeval(path) if kind == "semeval" else read_table(path, kind, read_options.columns)


def _files(folder: Path) -> list[Path]:
    try:
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and _suffix(path) in _SUFFIXES]
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}") from error
    if not files:
        raise InputError(f"{folder} holds no data: neither {', '.join(_SUFFIXES)} (.gz) files nor RepLab's folders")
    return files


def _recognised(path: Path) -> Table | Literal["semeval"]:
    kind = _KINDS.get(_suffix(path))
    if kind in {None, "tsv"} and is_semeval(read_utf8(path)):
        return "semeval"
    if kind is None:
        raise InputError(f"cannot tell the format of {path}: name it with --format")
    return kind


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()
