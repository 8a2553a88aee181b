"""Folders in the format of RepLab 2013."""

from collections.abc import Iterable
from pathlib import Path

ENTITY = "RL2013D01E001"
Row = tuple[str, str, str, str | None]
"""Id, language, polarity and text of a tweet; None: the text is missing."""


def table(*rows: Iterable[str]) -> str:
    """Return rows of quoted fields separated by tabs; the first row is the header."""
    return "".join("\t".join(f'"{field}"' for field in row) + "\n" for row in rows)


def write_replab(
    folder: Path, rows: Iterable[Row], *, encoding: str = "utf-8", text_name: str = f"{ENTITY}_texts.tsv"
) -> Path:
    """Write a split with one entity."""
    rows = list(rows)
    info = table(("tweet_id", "author", "language"), *((key, "somebody", language) for key, language, _, _ in rows))
    labels = table(("tweet_id", "filtering", "polarity"), *((key, "RELATED", polarity) for key, _, polarity, _ in rows))
    texts = table(("tweet_id", "text"), *((key, text) for key, _, _, text in rows if text is not None))
    for name, content in (
        (f"tweet_info/{ENTITY}.dat", info),
        (f"labeled/{ENTITY}.dat", labels),
        (f"tweet_text/{text_name}", texts),
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content, encoding=encoding)
    return folder
