"""`starling tweets export`: converts labelled tweets of any format to JSON lines, for experiments on devices."""

from collections.abc import Sequence
from pathlib import Path

import typer

from training.data.json_lines import write_json_lines
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
    write_json_lines(out, tweets)
    without_text = f", {len(dataset.ids_without_text)} without text left out" if dataset.ids_without_text else ""
    typer.echo(f"{out}: {len(tweets)} tweets{without_text}")
