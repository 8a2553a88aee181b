"""The parts of a report, independent of its format."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

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
    """Footnotes, each with the letter that marks its numbers."""
    columns_of_words: int = 1


@dataclass(frozen=True)
class Figure:
    """A picture that has been drawn: `name`.png and `name`.svg."""

    name: str
    title: str
    alternative: str
    """Text alternative for readers who cannot see the picture."""
    svg: str = field(repr=False)


Block = Heading | Paragraph | Listing | Table | Figure


@dataclass(frozen=True)
class Document:
    """A report."""

    title: str
    blocks: tuple[Block, ...]
