"""RepLab 2013's ids, and the files of texts that its readers look for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stream.errors import InputError
from training.data.replab import INFO, TEXT_SUFFIX, TEXTS, find_texts, rows, splits


@dataclass(frozen=True)
class Entity:
    """An entity of one split, with its English tweets."""

    folder: Path
    name: str
    ids: list[str]
    texts: dict[str, str]
    """Those that are there already."""

    @property
    def ids_without_text(self) -> list[str]:
        """What is to be fetched."""
        return [tweet_id for tweet_id in self.ids if not self.texts.get(tweet_id)]


def entities(path: Path) -> Iterator[Entity]:
    """Read which tweets RepLab's folder is of.

    Raises:
        InputError: A file cannot be read; says which.
    """
    for folder in splits(path):
        for info in sorted((folder / INFO).glob("*.dat")):
            ids = [row["tweet_id"] for row in rows(info, "tweet_id", "language") if row["language"].upper() == "EN"]
            file = find_texts(folder, info.stem)
            texts = {row["tweet_id"]: row["text"] for row in rows(file, "tweet_id", "text")} if file else {}
            yield Entity(folder, info.stem, ids, texts)


def write_texts(entity: Entity, fetched: Mapping[str, str]) -> None:
    """Write an entity's texts where the reader finds them, beside those that were there.

    Raises:
        InputError: They cannot be written.
    """
    added = {tweet_id: fetched[tweet_id] for tweet_id in entity.ids_without_text if tweet_id in fetched}
    if not added:
        return
    file = find_texts(entity.folder, entity.name) or entity.folder / TEXTS / f"{entity.name}{TEXT_SUFFIX}"
    lines = [_line("tweet_id", "text"), *(_line(*row) for row in (entity.texts | added).items())]
    try:
        file.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=file.parent, prefix=".hydrate-") as temporary:
            written = Path(temporary) / file.name
            written.write_text("".join(lines), encoding="utf-8")
            written.replace(file)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


def _line(tweet_id: str, text: str) -> str:
    """A row as RepLab's: on one line, in quotes."""
    on_one_line = " ".join(text.split()).replace('"', '""')
    return f'"{tweet_id}"\t"{on_one_line}"\n'
