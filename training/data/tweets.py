"""Labelled tweets, as every reader gives them."""

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
    """A tweet and the polarity that people gave it."""

    id: str
    polarity: Polarity
    text: str
    entity: str | None = None
    """Whose reputation it touches, where the data says."""


@dataclass(frozen=True)
class Dataset:
    """What was read, every row of it in its order: what repeats or contradicts is for training/duplicates.py."""

    tweets: list[LabelledTweet]
    files: list[Path]
    """Those that the tweets came from."""
    ids_without_text: list[str] = field(default_factory=list)
    """Labelled tweets whose text is not there, as with data that ships ids alone."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many rows were left out, by the reason."""

    @property
    def name(self) -> str:
        """What a manifest calls it: its files' names, or the number of them where they are many."""
        names = [file.name for file in self.files]
        return ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} files: {names[0]} … {names[-1]}"

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Put what several files held into one."""
        whole = cls([], [])
        for part in parts:
            whole.tweets.extend(part.tweets)
            whole.files.extend(part.files)
            whole.ids_without_text.extend(part.ids_without_text)
            whole.left_out.update(part.left_out)
        return whole


def parse_polarity(name: str, where: str, names: Mapping[str, Polarity] | None = None) -> Polarity:
    """Find the polarity that a label means.

    Args:
        name: The label, in any case.
        where: The file and the line, for the error.
        names: The user's own names of the polarities.

    Raises:
        InputError: It is none.
    """
    known = {polarity.casefold(): polarity for polarity in POLARITIES}
    known |= {own.casefold(): polarity for own, polarity in (names or {}).items()}
    if polarity := known.get(name.strip().casefold()):
        return polarity
    raise InputError(
        f"{where} has the label '{name}' instead of {', '.join(known)}: if it is one of them by another name, say so "
        f"with --label '{name}=positive'"
    )
