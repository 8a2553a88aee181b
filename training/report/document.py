"""What a report is made of, whatever it is written in."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Text, without marks of any kind."""

    text: str


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table; its first columns hold words, the others numbers."""

    title: str
    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Footnotes: the letter that the numbers have, and what it stands for."""
    columns_of_words: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture, drawn already: `name`.png and `name`.svg."""

    name: str
    title: str
    alternative: str
    """For whoever does not see it."""
    svg: str = field(repr=False)


Block = Heading | Paragraph | Listing | Table | Figure


@dataclass(frozen=True)
class Document:
    """A report."""

    title: str
    blocks: tuple[Block, ...]
