"""Reading of labelled tweets in any of the formats, for training, conversion and evaluation."""

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
from training.data.targets import is_targets, read_targets
from training.data.tweets import Dataset
from training.data.umsab import read_umsab

_KINDS: dict[str, Table] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json", ".js"), "jsonl"),
    ".csv": "csv",
    ".tsv": "tsv",
}
_SUFFIXES = (*_KINDS, ".txt")


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading labelled tweets."""

    format: Format | None = None
    """None: recognised by the file's name and first line."""
    columns: Columns = field(default_factory=Columns)


def read_dataset(paths: Iterable[Path], read_options: ReadOptions | None = None) -> Dataset:
    """Read all rows of files and folders of labelled tweets, in the order given.

    Args:
        paths: Files in any of the formats, gzipped or not, folders of such files, or RepLab's folder.
        read_options: Format and columns; None: recognised from the files.

    Raises:
        InputError: A path cannot be read, has a wrong format, or holds no tweets; the message says which.
    """
    dataset = Dataset.joined(_read(path, read_options or ReadOptions()) for path in paths)
    if not dataset.tweets:
        reasons = "".join(f", {count} {reason}" for reason, count in dataset.left_out.items())
        raise InputError(
            f"{' and '.join(map(str, paths))} contains no labelled tweet with text "
            f"({len(dataset.ids_without_text)} without text{reasons})"
        )
    return dataset


def _read(path: Path, read_options: ReadOptions) -> Dataset:
    if read_options.format == "replab" or (read_options.format is None and is_replab(path)):
        return read_replab(path)
    if path.is_dir():
        return Dataset.joined(_read(file, read_options) for file in _files(path))
    kind = read_options.format or _recognised(path)
    if kind == "semeval":
        return read_semeval(path)
    if kind == "umsab":
        return read_umsab(path)
    return read_targets(path) if kind == "targets" else read_table(path, kind, read_options.columns)


def _files(folder: Path) -> list[Path]:
    try:
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and _suffix(path) in _SUFFIXES]
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}") from error
    if not files:
        raise InputError(f"{folder} contains no data: no {', '.join(_SUFFIXES)} (.gz) files and no RepLab folders")
    return files


def _recognised(path: Path) -> Table | Literal["semeval", "targets"]:
    kind = _KINDS.get(_suffix(path))
    if kind in {None, "tsv"} and is_semeval(read_utf8(path)):
        return "semeval"
    if kind in {None, "tsv"} and is_targets(read_utf8(path)):
        return "targets"
    if kind is None:
        raise InputError(f"the format of {path} is not recognised: give it with --format")
    return kind


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()
