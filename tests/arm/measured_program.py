"""Classify sample tweets one by one between two marks, for the plugin that counts instructions.

    python measured_program.py BUNDLE TWEETS

Prints one JSON object: the number of tweets, their tokens on average, and the probabilities of each.
"""

import ctypes
import json
import sys
from importlib.resources import files
from pathlib import Path

from stream.model.loading import load_model
from stream.settings import LimitSettings, ModelSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

MARK = 0x5EED


def main() -> None:
    """Load the bundle, warm it up, and classify."""
    bundle, count = Path(sys.argv[1]), int(sys.argv[2])
    model = load_model(ModelSettings(path=bundle, interpreters=1, threads=1))
    classifier = model.classifiers[0]
    ids = []
    for line in (files("stream") / "samples" / "tweets.jsonl").read_bytes().splitlines():
        try:
            ids.append(model.tokens(decode_tweet(line, LimitSettings())).ids)
        except RejectedTweetError:
            continue
        if len(ids) == count:
            break
    mark = ctypes.CDLL(None).getpriority
    for row in {classifier.bucket(len(row)): row for row in ids}.values():
        classifier.probabilities([row])  # the first inference of a length allocates
    mark(MARK, 0)
    found = [classifier.probabilities([row]) for row in ids]
    mark(MARK, 1)
    probabilities = [row.tolist() for (row,) in found]
    printed = {"tweets": len(ids), "tokens": sum(map(len, ids)) / len(ids), "probabilities": probabilities}
    sys.stdout.write(json.dumps(printed))


if __name__ == "__main__":
    main()
