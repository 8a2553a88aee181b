"""`python -m training.two_entities`: writes tweets about two entities."""

import argparse
from pathlib import Path

from training.data.json_lines import write_json_lines
from training.two_entities.generator import tweets_about_two_entities


def main() -> None:
    """Read the command line and write the tweets."""
    parser = argparse.ArgumentParser(prog="python -m training.two_entities", description=__doc__)
    parser.add_argument("out", type=Path, help="file for the tweets, JSON Lines; gzipped if its name ends in .gz")
    parser.add_argument("--tweets", type=int, default=3000, help="number of tweets, each with two rows (3000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choices (0)")
    arguments = parser.parse_args()
    write_json_lines(arguments.out, tweets_about_two_entities(arguments.tweets, arguments.seed))


if __name__ == "__main__":
    main()
