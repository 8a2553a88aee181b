"""`starling tweets export`: converts labelled tweets of any format to JSON lines, for experiments on devices."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import orjson
import typer

from stream.errors import InputError
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.duplicates import distinct


def export_data(data: Sequence[Path], read_options: ReadOptions, out: Path) -> None:
    """Write each tweet once, with the most frequent label of its rows.

    Args:
        data: Files, folders of files, or RepLab's folder.
        read_options: Format and columns of the data.
        out: Output file; gzipped if its name ends in .gz.

    Raises:
        InputError: A file cannot be read or written.
    """
    dataset = read_dataset(data, read_options)
    tweets = distinct(dataset.tweets, by_text=False)
    lines = b"".join(map(_line, tweets))
    try:
        out.write_bytes(gzip.compress(lines, mtime=0) if out.suffix == ".gz" else lines)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from error
    without_text = f", {len(dataset.ids_without_text)} without text left out" if dataset.ids_without_text else ""
    typer.echo(f"{out}: {len(tweets)} tweets{without_text}")


def _line(tweet: LabelledTweet) -> bytes:
    found = {"id": tweet.id, "text": tweet.text, "polarity": tweet.polarity, "entity": tweet.entity}
    return orjson.dumps({key: value for key, value in found.items() if value is not None}) + b"\n"
