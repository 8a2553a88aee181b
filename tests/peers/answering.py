"""Common part of the peers: report readiness and answer requests for labels."""

import json
import sys
from collections.abc import Callable, Sequence

from stream.tweets.cleaning import placeholders

LABELS = ("negative", "neutral", "positive")

Classify = Callable[[Sequence[str]], Sequence[int]]
"""Returns the column of the label of each cleaned text."""


def label_texts(classify: Classify, **about: str) -> None:
    """Answer each line of stdin, `{"texts": […]}`, with a line of labels, until stdin is closed."""
    say(ready=True, **about)
    for line in sys.stdin:
        texts = [placeholders(text) for text in json.loads(line)["texts"]]
        say(labels=[LABELS[column] for column in classify(texts)])


def say(**message: object) -> None:
    """Write a message as one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def batches_of_like_length(ids: Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    """Yield the indices of each batch: single texts in their order, or batches sorted by length."""
    places = range(len(ids)) if batch == 1 else sorted(range(len(ids)), key=lambda place: len(ids[place]))
    return [list(places[first : first + batch]) for first in range(0, len(ids), batch)]
