"""What every peer does: say that it is ready, and label texts that it is asked for."""

import json
import sys
from collections.abc import Callable, Sequence

from stream.tweets.cleaning import placeholders

LABELS = ("negative", "neutral", "positive")

Classify = Callable[[Sequence[str]], Sequence[int]]
"""Cleaned texts in, the column of each one's label out."""


def label_texts(classify: Classify, **about: str) -> None:
    """Answer each line of stdin, `{"texts": […]}`, with a line of labels, until stdin ends."""
    say(ready=True, **about)
    for line in sys.stdin:
        texts = [placeholders(text) for text in json.loads(line)["texts"]]
        say(labels=[LABELS[column] for column in classify(texts)])


def say(**message: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def batches_of_like_length(ids: Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    """The places of the texts of each batch: alone in their order, or sorted by length."""
    places = range(len(ids)) if batch == 1 else sorted(range(len(ids)), key=lambda place: len(ids[place]))
    return [list(places[first : first + batch]) for first in range(0, len(ids), batch)]
