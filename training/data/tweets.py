"""Labelled tweets and data sets of them, as all readers return them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from stream.errors import InputError
from stream.tweets.polarity import POLARITIES, Polarity

_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class LabelledTweet:
    """A tweet with its gold polarity. Entity and id together identify it."""

    id: str
    polarity: Polarity
    text: str
    entity: str | None = None
    """Entity to which the polarity refers, if the data names one."""
    domain: str | None = None
    """Domain of the entity, for example `banking`, if the data names one."""
    timestamp: int | None = None
    """Time of publication in seconds since 1970, if the data has it."""


@dataclass(frozen=True)
class Dataset:
    """All rows read from files, in their order; training/duplicates.py removes repetitions and contradictions."""

    tweets: list[LabelledTweet]
    files: list[Path]
    """Files from which the tweets were read."""
    ids_without_text: list[str] = field(default_factory=list)
    """Ids of labelled tweets without text, for example in data sets that are distributed as ids."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of rows left out, by reason."""
    languages: Counter[str] = field(default_factory=Counter)
    """Number of rows by the language that the data states, rows that were left out included."""

    @property
    def name(self) -> str:
        """Name in manifests: the names of the files, or their number if there are many."""
        names = [file.name for file in self.files]
        return ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} files: {names[0]} … {names[-1]}"

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Join the data sets of several files."""
        whole = cls([], [])
        for part in parts:
            whole.tweets.extend(part.tweets)
            whole.files.extend(part.files)
            whole.ids_without_text.extend(part.ids_without_text)
            whole.left_out.update(part.left_out)
            whole.languages.update(part.languages)
        return whole


def known_polarity(name: str, names: Mapping[str, Polarity] | None = None) -> Polarity | None:
    """Return the polarity that a label means; None: the label is unknown.

    Args:
        name: Label in upper or lower case.
        names: Additional names of the polarities.
    """
    return _known_names(names).get(name.strip().casefold())


def parse_polarity(name: str, where: str, names: Mapping[str, Polarity] | None = None) -> Polarity:
    """Return the polarity that a label means.

    Args:
        name: Label in upper or lower case.
        where: File and line, for the error message.
        names: Additional names of the polarities.

    Raises:
        InputError: The label is unknown.
    """
    if polarity := known_polarity(name, names):
        return polarity
    raise InputError(
        f"{where} has the label '{name}' instead of {', '.join(_known_names(names))}: if it is another name of one of "
        f"them, declare it, for example with --label '{name}=positive'"
    )


def _known_names(names: Mapping[str, Polarity] | None) -> dict[str, Polarity]:
    known = {polarity.casefold(): polarity for polarity in POLARITIES}
    return known | {own.casefold(): polarity for own, polarity in (names or {}).items()}
