"""`starling tweets inspect`: statistics of labelled data, for a look at it before training or evaluation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from training.duplicates import Group, conflicts, distinct, exclude, groups
from training.near_duplicates import near_duplicate_groups, without_near_duplicates

_PERCENTILES = (1, 50, 90, 99)


@dataclass(frozen=True)
class Inspection:
    """Statistics of a data set."""

    dataset: Dataset

    @cached_property
    def by_id(self) -> list[Group]:
        """Rows grouped by id."""
        return groups(self.dataset.tweets, by_text=False)

    @cached_property
    def by_id_or_text(self) -> list[Group]:
        """Rows grouped by id or text."""
        return groups(self.dataset.tweets)

    @cached_property
    def kept(self) -> list[LabelledTweet]:
        """Tweets that training keeps."""
        return distinct(self.dataset.tweets)

    @cached_property
    def by_entity(self) -> dict[str, list[LabelledTweet]]:
        """Rows of each entity."""
        entities = sorted({tweet.entity for tweet in self.dataset.tweets if tweet.entity})
        return {entity: [tweet for tweet in self.dataset.tweets if tweet.entity == entity] for entity in entities}

    def as_json(self) -> dict[str, Any]:
        """Return all counts, and the ids of tweets without text; no texts."""
        tweets = self.dataset.tweets
        words = [len(placeholders(tweet.text).split()) for tweet in tweets]
        return {
            "files": [file.name for file in self.dataset.files],
            "rows": len(tweets),
            "classes": _classes(tweets),
            "entities": len(self.by_entity),
            "classes_by_entity": {entity: _classes(own) for entity, own in self.by_entity.items()},
            "languages": dict(self.dataset.languages.most_common()),
            "words": {f"p{share}": int(value) for share, value in zip(_PERCENTILES, _percentiles(words), strict=True)},
            "ids_without_text": self.dataset.ids_without_text,
            "left_out": dict(self.dataset.left_out),
            "repeated_ids": len(tweets) - len(self.by_id),
            "repeated_ids_or_texts": len(tweets) - len(self.by_id_or_text),
            "near_duplicates": len(self.kept) - len(near_duplicate_groups(self.kept)),
            "conflicting_ids": len(conflicts(self.by_id)),
            "conflicting_ids_or_texts": len(conflicts(self.by_id_or_text)),
            "kept": len(self.kept),
        }


def inspect_data(
    data: Sequence[Path],
    dev: Sequence[Path],
    others: Sequence[Path],
    read_options: ReadOptions,
    *,
    show_text: bool,
    as_json: bool,
) -> None:
    """Print statistics of labelled data on stdout; tweets only if requested.

    Args:
        data: Data for training or evaluation.
        dev: Held-out data, which should share no tweet with `data`; empty: none.
        others: Further data sets, each of which is compared with `data`.
        read_options: Format and columns of all data.
        show_text: Whether contradicting tweets, and tweets that are held out too, are printed with their texts.
        as_json: Whether one JSON object is printed instead of tables.

    Raises:
        InputError: A data set cannot be read.
    """
    inspections = {"data": inspect(read_dataset(data, read_options))}
    if dev:
        inspections["held out"] = inspect(read_dataset(dev, read_options))
    leaks = _leaks(inspections)
    kept = inspections["data"].kept
    overlaps = {str(other): _overlap(kept, read_dataset([other], read_options)) for other in others}
    counts = {name: inspection.as_json() for name, inspection in inspections.items()}
    if as_json:
        found = counts | {"leaks": len(leaks)} | ({"overlaps": overlaps} if overlaps else {})
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    console = Console()
    console.print(_table(counts, len(leaks)))
    if counts["data"]["classes_by_entity"]:
        console.print(_entity_table(counts["data"]["classes_by_entity"]))
    if overlaps:
        console.print(_overlap_table(overlaps))
    if show_text:
        _show_tweets("conflicts", [tweet for group in conflicts(inspections["data"].by_id_or_text) for tweet in group])
        _show_tweets("leaks", leaks)


def inspect(dataset: Dataset) -> Inspection:
    """Return the statistics of a data set."""
    return Inspection(dataset)


def _leaks(inspections: dict[str, Inspection]) -> list[LabelledTweet]:
    """Return the tweets that training keeps although they are held out."""
    if "held out" not in inspections:
        return []
    return _shared(inspections["data"].kept, inspections["held out"].dataset.tweets)


def _shared(tweets: Sequence[LabelledTweet], others: Sequence[LabelledTweet]) -> list[LabelledTweet]:
    unshared = {id(tweet) for tweet in exclude(tweets, others)}
    return [tweet for tweet in tweets if id(tweet) not in unshared]


def _overlap(kept: Sequence[LabelledTweet], other: Dataset) -> dict[str, int]:
    unshared = exclude(kept, other.tweets)
    return {
        "rows": len(other.tweets),
        "shared": len(kept) - len(unshared),
        "near_duplicates": len(unshared) - len(without_near_duplicates(unshared, other.tweets)),
    }


def _table(counts_by_name: Mapping[str, Mapping[str, Any]], leaks: int) -> Table:
    table = Table("", *counts_by_name)
    counts = list(counts_by_name.values())
    table.add_row("files", *(f"{len(count['files']):,}" for count in counts))
    table.add_row("rows", *(f"{count['rows']:,}" for count in counts))
    for polarity in POLARITIES:
        table.add_row(f"  {polarity}", *(_share(count["classes"][polarity], count["rows"]) for count in counts))
    if any(count["entities"] for count in counts):
        table.add_row("entities", *(f"{count['entities']:,}" for count in counts))
    table.add_row(f"words at {', '.join(map(str, _PERCENTILES))} %", *(_listed(count["words"]) for count in counts))
    for language in dict.fromkeys(language for count in counts for language in count["languages"]):
        table.add_row(f"stated language: {language}", *(f"{count['languages'].get(language, 0):,}" for count in counts))
    table.add_row("labelled, but without text", *(f"{len(count['ids_without_text']):,}" for count in counts))
    for reason in dict.fromkeys(reason for count in counts for reason in count["left_out"]):
        table.add_row(f"left out: {reason}", *(f"{count['left_out'].get(reason, 0):,}" for count in counts))
    table.add_row("rows with the id of an earlier one", *(f"{count['repeated_ids']:,}" for count in counts))
    table.add_row("  or its text", *(f"{count['repeated_ids_or_texts']:,}" for count in counts))
    table.add_row("ids with several labels", *(f"{count['conflicting_ids']:,}" for count in counts))
    table.add_row("  ids or texts", *(f"{count['conflicting_ids_or_texts']:,}" for count in counts))
    table.add_row("tweets that training keeps", *(f"{count['kept']:,}" for count in counts))
    table.add_row("  near duplicates of another one", *(f"{count['near_duplicates']:,}" for count in counts))
    if len(counts) > 1:
        table.add_row("  also held out", f"{leaks:,}", "")
    return table


def _entity_table(classes_by_entity: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table("entity", "rows", *POLARITIES)
    for column in table.columns[1:]:
        column.justify = "right"
    for entity, classes in classes_by_entity.items():
        rows = sum(classes.values())
        table.add_row(entity, f"{rows:,}", *(_share(classes[polarity], rows) for polarity in POLARITIES))
    return table


def _overlap_table(overlaps: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table("compared with", "rows", "tweets shared", "near duplicates besides")
    for name, overlap in overlaps.items():
        table.add_row(name, *(f"{overlap[count]:,}" for count in ("rows", "shared", "near_duplicates")))
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


def _show_tweets(title: str, tweets: Sequence[LabelledTweet]) -> None:
    typer.echo(f"{title}:")
    for tweet in tweets:
        typer.echo(f"{tweet.id}\t{tweet.polarity}\t{' '.join(tweet.text.split())}")
