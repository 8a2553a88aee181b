"""Runs one model over a data set, tweet by tweet, in a process of its own that does nothing else.

    python -m stream.experiment.worker

A job comes as a line of JSON on stdin; stdin's end ends the worker, so that it never outlives who started it. Lines of
JSON go to stdout: `loaded`, some `done`, and `finished` with everything; or `error`, with a message for the user.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from stream.errors import StarlingError
from stream.experiment.labelled import LabelledTweet, in_order_of, read_labelled
from stream.experiment.plan import PlannedModel
from stream.experiment.results import Span, Subject, Tweets
from stream.experiment.subject import Runnable, load_subject
from stream.processes.answering import say
from stream.tweets.rejections import RejectedTweetError

_TELL_SECONDS = 0.5


class Job(BaseModel):
    """What a worker is to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: PlannedModel
    path: Path
    threads: int
    data: Path
    seed: int
    tweets: int | None


class Finished(BaseModel):
    """What a worker did."""

    subject: Subject
    load_seconds: float
    during: Span
    planned: int
    refused: int
    tweets: Tweets
    macs_by_tokens: dict[int, int]


class _Record:
    """Fills the columns of a run's tweets."""

    def __init__(self) -> None:
        self.refused = 0
        self.columns: dict[str, list[Any]] = {name: [] for name in Tweets.model_fields}

    def run(self, subject: Runnable, labelled: LabelledTweet) -> None:
        """Label one tweet and take its times."""
        started = time.perf_counter()
        try:
            tokens = subject.tokens(labelled.tweet)
        except RejectedTweetError:
            self.refused += 1
            return
        tokenised = time.perf_counter()
        inference = subject.infer(tokens)
        ended = time.perf_counter()
        self._add(
            gold=labelled.polarity,
            given=inference.polarity,
            seconds=ended - started,
            inference_seconds=ended - tokenised,
            tokens=len(tokens.ids),
            padded_tokens=inference.padded_tokens,
        )

    def _add(self, **values: object) -> None:
        for name, value in values.items():
            self.columns[name].append(value)


def work(job: Job) -> None:
    """Load, runs, counts, and tell."""
    tweets = in_order_of(read_labelled(job.data), job.seed, job.tweets)
    started = time.monotonic()
    subject = load_subject(job.model, job.path, job.threads)
    load_seconds = time.monotonic() - started
    say({"loaded": {"tweets": len(tweets)}})
    record, during = _run(subject, tweets)
    finished = Finished(
        subject=subject.describe(),
        load_seconds=load_seconds,
        during=during,
        planned=len(tweets),
        refused=record.refused,
        tweets=Tweets.model_validate(record.columns),
        macs_by_tokens=subject.macs(sorted(set(record.columns["padded_tokens"]))),
    )
    say({"finished": finished.model_dump(mode="json")})


def _run(subject: Runnable, tweets: list[LabelledTweet]) -> tuple[_Record, Span]:
    record = _Record()
    began = told = time.monotonic()
    for number, tweet in enumerate(tweets, start=1):
        record.run(subject, tweet)
        if (now := time.monotonic()) - told >= _TELL_SECONDS:
            told = now
            say({"done": number})
    return record, Span(start_seconds=began, end_seconds=time.monotonic())


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Do the job on stdin."""
    job = Job.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, name="end-with-stdin", daemon=True).start()
    try:
        work(job)
    except StarlingError as error:
        say({"error": str(error)})
    os._exit(0)  # the thread that waits for stdin's end would hold a lock of stdin that Python wants at its own end


if __name__ == "__main__":
    main()
