"""Ids of RepLab 2013, and the files of texts that its reader needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from stream.files import replace_text
from training.data.replab import INFO, TEXT_SUFFIX, TEXTS, find_texts, rows, splits


@dataclass(frozen=True)
class Entity:
    """An entity of one split, with its English tweets."""

    folder: Path
    name: str
    ids: list[str]
    texts: dict[str, str]
    """Texts that are there already, by id."""

    @property
    def ids_without_text(self) -> list[str]:
        """Ids of the tweets whose text is missing."""
        return [tweet_id for tweet_id in self.ids if not self.texts.get(tweet_id)]


def entities(path: Path) -> Iterator[Entity]:
    """Yield the entities of RepLab's folder.

    Raises:
        InputError: A file cannot be read.
    """
    for folder in splits(path):
        for info in sorted((folder / INFO).glob("*.dat")):
            ids = [row["tweet_id"] for row in rows(info, "tweet_id", "language") if row["language"].upper() == "EN"]
            file = find_texts(folder, info.stem)
            texts = {row["tweet_id"]: row["text"] for row in rows(file, "tweet_id", "text")} if file else {}
            yield Entity(folder, info.stem, ids, texts)


def write_texts(entity: Entity, fetched: Mapping[str, str]) -> None:
    """Add texts to an entity's file of texts.

    Raises:
        InputError: They cannot be written.
    """
    added = {tweet_id: fetched[tweet_id] for tweet_id in entity.ids_without_text if tweet_id in fetched}
    if not added:
        return
    file = find_texts(entity.folder, entity.name) or entity.folder / TEXTS / f"{entity.name}{TEXT_SUFFIX}"
    lines = [_line("tweet_id", "text"), *(_line(*row) for row in (entity.texts | added).items())]
    try:
        replace_text(file, "".join(lines))
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


def _line(tweet_id: str, text: str) -> str:
    """Return a row in RepLab's format: on one line, in quotes."""
    on_one_line = " ".join(text.split()).replace('"', '""')
    return f'"{tweet_id}"\t"{on_one_line}"\n'
