"""`starling tweets inspect`: what is in labelled data, before anything is trained on it or scored by it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import typer
from rich.console import Console
from rich.table import Table

from stream.tweets.cleaning import placeholders
from stream.tweets.polarity import POLARITIES
from training.data.tweets import Dataset, LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.duplicates import Group, conflicts, distinct, groups, without

_PERCENTILES = (1, 50, 90, 99)


@dataclass(frozen=True)
class Inspection:
    """What is found in a set of tweets."""

    dataset: Dataset
    by_id: list[Group]
    """The rows of each id."""
    by_id_or_text: list[Group]
    """The rows of each id or text."""

    @property
    def kept(self) -> list[LabelledTweet]:
        """Those that training keeps."""
        return distinct(self.dataset.tweets)

    def as_json(self) -> dict[str, Any]:
        """Count, and the ids that have no text; no text."""
        tweets = self.dataset.tweets
        words = [len(placeholders(tweet.text).split()) for tweet in tweets]
        return {
            "files": [file.name for file in self.dataset.files],
            "rows": len(tweets),
            "classes": _classes(tweets),
            "entities": len({tweet.entity for tweet in tweets if tweet.entity}),
            "words": {f"p{share}": int(value) for share, value in zip(_PERCENTILES, _percentiles(words), strict=True)},
            "ids_without_text": self.dataset.ids_without_text,
            "left_out": dict(self.dataset.left_out),
            "repeated_ids": len(tweets) - len(self.by_id),
            "repeated_ids_or_texts": len(tweets) - len(self.by_id_or_text),
            "conflicting_ids": len(conflicts(self.by_id)),
            "conflicting_ids_or_texts": len(conflicts(self.by_id_or_text)),
            "kept": len(self.kept),
        }


def inspect_data(
    data: Sequence[Path], dev: Sequence[Path], read_options: ReadOptions, *, show_text: bool, as_json: bool
) -> None:
    """Show what is in labelled data, on stdout: counts, and tweets only when asked to.

    Args:
        data: What a model would be trained on or scored by.
        dev: What is held out from it, in which none of it should be found again; empty: nothing.
        read_options: How both are read.
        show_text: Whether the tweets that contradict or leak are shown, with their text.
        as_json: Whether one JSON object is shown instead.

    Raises:
        InputError: Something cannot be read.
    """
    inspections = {"data": inspect(read_dataset(data, read_options))}
    if dev:
        inspections["held out"] = inspect(read_dataset(dev, read_options))
    leaks = _leaks(inspections)
    if as_json:
        found = {name: inspection.as_json() for name, inspection in inspections.items()}
        typer.echo(orjson.dumps(found | {"leaks": len(leaks)}, option=orjson.OPT_INDENT_2))
        return
    Console().print(_table(inspections, len(leaks)))
    if show_text:
        _show_tweets("conflicts", [tweet for group in conflicts(inspections["data"].by_id_or_text) for tweet in group])
        _show_tweets("leaks", leaks)


def inspect(dataset: Dataset) -> Inspection:
    """Look for what comes again."""
    return Inspection(dataset, groups(dataset.tweets, by_text=False), groups(dataset.tweets))


def _leaks(inspections: dict[str, Inspection]) -> list[LabelledTweet]:
    """Tweets that would be kept for training, and are held out as well."""
    if "held out" not in inspections:
        return []
    kept = inspections["data"].kept
    clean = {id(tweet) for tweet in without(kept, inspections["held out"].dataset.tweets)}
    return [tweet for tweet in kept if id(tweet) not in clean]


def _table(inspections: dict[str, Inspection], leaks: int) -> Table:
    table = Table("", *inspections)
    counts = [inspection.as_json() for inspection in inspections.values()]
    table.add_row("files", *(f"{len(count['files']):,}" for count in counts))
    table.add_row("rows", *(f"{count['rows']:,}" for count in counts))
    for polarity in POLARITIES:
        table.add_row(f"  {polarity}", *(_share(count["classes"][polarity], count["rows"]) for count in counts))
    if any(count["entities"] for count in counts):
        table.add_row("entities", *(f"{count['entities']:,}" for count in counts))
    table.add_row(f"words at {', '.join(map(str, _PERCENTILES))} %", *(_listed(count["words"]) for count in counts))
    table.add_row("labelled, but without their text", *(f"{len(count['ids_without_text']):,}" for count in counts))
    for reason in dict.fromkeys(reason for count in counts for reason in count["left_out"]):
        table.add_row(f"left out: {reason}", *(f"{count['left_out'].get(reason, 0):,}" for count in counts))
    table.add_row("rows with the id of an earlier one", *(f"{count['repeated_ids']:,}" for count in counts))
    table.add_row("  or its text", *(f"{count['repeated_ids_or_texts']:,}" for count in counts))
    table.add_row("ids with several labels", *(f"{count['conflicting_ids']:,}" for count in counts))
    table.add_row("  ids or texts", *(f"{count['conflicting_ids_or_texts']:,}" for count in counts))
    table.add_row("tweets that training keeps", *(f"{count['kept']:,}" for count in counts))
    if len(inspections) > 1:
        table.add_row("of these, held out as well", f"{leaks:,}", "")
    return table


def _classes(tweets: Sequence[LabelledTweet]) -> dict[str, int]:
    counted = Counter(tweet.polarity for tweet in tweets)
    return {polarity: counted[polarity] for polarity in POLARITIES}


def _percentiles(values: Sequence[int]) -> list[float]:
    shares: list[float] = np.percentile(values, _PERCENTILES).tolist()
    return shares


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({count / whole:.0%})"


def _listed(values: dict[str, int]) -> str:
    return ", ".join(map(str, values.values()))


def _show_tweets(what: str, tweets: Sequence[LabelledTweet]) -> None:
    typer.echo(f"{what}:")
    for tweet in tweets:
        typer.echo(f"{tweet.id}\t{tweet.polarity}\t{' '.join(tweet.text.split())}")
