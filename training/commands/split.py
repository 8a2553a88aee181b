"""`starling tweets split`: training and dev sets of tweets with entities, by time and by entity."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from stream.errors import InputError
from stream.files import replace_text
from stream.model.bundle import file_sha256
from training.data.json_lines import write_json_lines
from training.datasets import ReadOptions, read_dataset
from training.duplicates import distinct
from training.splits import Split, split_by_entity, split_by_time

SUMMARY_FILE = "split.json"


def split_data(data: Sequence[Path], read_options: ReadOptions, out: Path, seed: int, dev_share: float) -> None:
    """Write both splits as JSON lines with their entities, and a summary; print the counts on stdout.

    Args:
        data: Labelled tweets with entities.
        read_options: Format and columns of the data.
        out: Folder of the files.
        seed: Seed of the choice of entities.
        dev_share: Share of each entity's tweets, and of the entities, in the dev sets.

    Raises:
        InputError: The data cannot be read, a tweet lacks its entity or its time, or a file cannot be written.
    """
    dataset = read_dataset(data, read_options)
    tweets = distinct(dataset.tweets)
    splits = {"time": split_by_time(tweets, dev_share), "entities": split_by_entity(tweets, seed, dev_share)}
    summary: dict[str, Any] = {
        "data": [f"{file.name} {file_sha256(file)}" for file in dataset.files],
        "seed": seed,
        "dev_share": dev_share,
        "rows": len(dataset.tweets),
        "left_out": {**dataset.left_out, "without text": len(dataset.ids_without_text)},
        "duplicates": len(dataset.tweets) - len(tweets),
        "splits": {name: _summary(split) for name, split in splits.items()},
    }
    for name, split in splits.items():
        for part, chosen in (("train", split.train), ("dev", split.dev)):
            write_json_lines(out / f"{name}-{part}.jsonl.gz", chosen)
    try:
        replace_text(out / SUMMARY_FILE, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {out / SUMMARY_FILE}: {error.strerror}") from error
    for name, split in splits.items():
        typer.echo(
            f"{out / name}-train.jsonl.gz: {len(split.train):,} tweets, {out / name}-dev.jsonl.gz: {len(split.dev):,}; "
            f"{split.removed:,} near duplicates of dev tweets removed from training"
        )


def _summary(split: Split) -> dict[str, Any]:
    return {
        "train": len(split.train),
        "dev": len(split.dev),
        "removed_from_train": split.removed,
        "train_entities": sorted({tweet.entity or "" for tweet in split.train}),
        "dev_entities": sorted({tweet.entity or "" for tweet in split.dev}),
    }
