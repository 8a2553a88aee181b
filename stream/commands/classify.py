"""`starling classify`: a file of tweets through the service's own model, without a broker."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from stream.commands.progress import line_progress
from stream.model.bulk import Outcome, label_lines
from stream.model.loading import load_model
from stream.settings import LimitSettings, ModelSettings
from stream.tweets.labels import Label
from stream.tweets.lines import open_lines


def classify_file(name: str, model_path: Path | None) -> None:
    """Write a JSON line to stdout for each line of the file.

    Args:
        name: The file, or `-` for stdin.
        model_path: The model bundle's folder; None: the shipped one.

    Raises:
        StarlingError: The model or the file cannot be read.
    """
    model = load_model(ModelSettings(path=model_path))
    with open_lines(name) as lines, line_progress("labelling", name) as done:
        for outcome in label_lines(model, _followed(lines, done), LimitSettings()):
            sys.stdout.buffer.write(orjson.dumps(_as_json(outcome), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


def _as_json(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Label):
        return outcome.as_json()
    known_id = {"id": outcome.tweet_id} if outcome.tweet_id is not None else {}
    return {**known_id, "rejected": outcome.reason, "detail": outcome.detail}


def _followed(lines: Iterator[bytes], done: Callable[[bytes], None]) -> Iterator[bytes]:
    for line in lines:
        yield line
        done(line)
