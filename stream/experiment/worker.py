"""Runs one model over a data set, tweet by tweet, in a separate process that does nothing else.

    python -m stream.experiment.worker

A job comes as a line of JSON on stdin. The end of stdin ends the worker, so that it never outlives its parent. Lines of
JSON go to stdout: `loaded`, several `done`, and `finished` with the results; or `error` with a message for the user.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from stream.errors import StarlingError
from stream.experiment.labelled import GoldTweet, chosen, in_order_of, read_labelled
from stream.experiment.plan import PlannedModel
from stream.experiment.results import Span, Subject, Tweets
from stream.experiment.subject import Runnable, load_subject
from stream.processes.answering import say
from stream.tweets.rejections import RejectedTweetError

_REPORT_SECONDS = 0.5


class Job(BaseModel):
    """A worker's task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: PlannedModel
    path: Path
    threads: int
    data: Path
    seed: int
    shuffle_seed: int
    tweets: int | None
    counts_operations: bool = True


class Finished(BaseModel):
    """A worker's results."""

    subject: Subject
    load_seconds: float
    during: Span
    in_file: int
    planned: int
    refused: int
    tweets: Tweets
    macs_by_tokens: dict[int, int]


class _Record:
    """The columns of a run's tweets, filled tweet by tweet."""

    def __init__(self) -> None:
        self.refused = 0
        self.columns: dict[str, list[Any]] = {name: [] for name in Tweets.model_fields}

    def run(self, subject: Runnable, labelled: GoldTweet) -> None:
        """Label one tweet and record its times."""
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
            entities=labelled.tweet.entity,
        )

    def tweets(self) -> Tweets:
        """Return the columns; without entities if no tweet has one."""
        named = any(entity is not None for entity in self.columns["entities"])
        return Tweets.model_validate(self.columns | ({} if named else {"entities": None}))

    def _add(self, **values: object) -> None:
        for name, value in values.items():
            self.columns[name].append(value)


def work(job: Job) -> None:
    """Load the model, label the tweets, count the operations and report."""
    labelled = read_labelled(job.data)
    tweets = in_order_of(chosen(labelled, job.shuffle_seed, job.tweets), job.seed)
    started = time.monotonic()
    subject = load_subject(job.model, job.path, job.threads)
    load_seconds = time.monotonic() - started
    say({"loaded": {"tweets": len(tweets)}})
    record, during = _run(subject, tweets)
    lengths = sorted(set(record.columns["padded_tokens"]))
    finished = Finished(
        subject=subject.describe(),
        load_seconds=load_seconds,
        during=during,
        in_file=len(labelled),
        planned=len(tweets),
        refused=record.refused,
        tweets=record.tweets(),
        macs_by_tokens=subject.macs(lengths) if job.counts_operations else {},
    )
    say({"finished": finished.model_dump(mode="json")})


def _run(subject: Runnable, tweets: list[GoldTweet]) -> tuple[_Record, Span]:
    record = _Record()
    began = reported = time.monotonic()
    for number, tweet in enumerate(tweets, start=1):
        record.run(subject, tweet)
        if (now := time.monotonic()) - reported >= _REPORT_SECONDS:
            reported = now
            say({"done": number})
    return record, Span(start_seconds=began, end_seconds=time.monotonic())


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Run the job on stdin."""
    job = Job.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, name="end-with-stdin", daemon=True).start()
    try:
        work(job)
    except StarlingError as error:
        say({"error": str(error)})
    os._exit(0)  # an orderly exit would wait for a lock of stdin, which the thread that reads stdin holds


if __name__ == "__main__":
    main()
