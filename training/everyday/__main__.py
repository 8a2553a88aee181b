"""`python -m training.everyday`: writes everyday tweets."""

import argparse
from pathlib import Path

from training.data.json_lines import write_json_lines
from training.everyday.generator import everyday_tweets


def main() -> None:
    """Read the command line and write the tweets."""
    parser = argparse.ArgumentParser(prog="python -m training.everyday", description=__doc__)
    parser.add_argument("out", type=Path, help="file for the tweets, JSON Lines; gzipped if its name ends in .gz")
    parser.add_argument("--tweets", type=int, default=6800, help="number of tweets (6800)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choices (0)")
    arguments = parser.parse_args()
    write_json_lines(arguments.out, everyday_tweets(arguments.tweets, arguments.seed))


if __name__ == "__main__":
    main()
