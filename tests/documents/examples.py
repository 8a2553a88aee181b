"""The documents, and the examples in them."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/**/*.md", "firmware/*.md") for path in ROOT.glob(pattern)
)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A fenced code block."""

    document: str
    heading: str
    """Nearest heading above it."""
    language: str
    source: str
    line: int

    def __str__(self) -> str:
        """Return document and line, as a test's id."""
        return f"{self.document}:{self.line}"


def examples(*languages: str) -> list[Example]:
    """Return the code blocks of all documents, only those in these languages if any are given."""
    return [example for example in _all_examples() if not languages or example.language in languages]


def prose_of(name: str) -> str:
    """Read a document with spaces in place of its code blocks."""
    return _FENCED.sub(lambda block: " " * len(block[0]), (ROOT / name).read_text(encoding="utf-8"))


@functools.cache
def _all_examples() -> list[Example]:
    return [example for name in DOCUMENTS for example in _examples_of(name)]


def _examples_of(name: str) -> Iterator[Example]:
    document = Document.parse(str(ROOT / name), FencedCodeBlockLexer(language=r"\w+"))
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(prose_of(name))]
    for example in document:
        heading = next((text for start, text in reversed(headings) if start < example.start), "")
        lexemes = example.region.lexemes
        yield Example(name, heading, lexemes["language"], str(lexemes["source"]), example.line)
