"""The bare classifier: `python -m stream.bench.worker`, a process that is controlled as child.py describes.

Two jobs are measured, each for at least `seconds` and `queries` calls, with the first `interpreters` of the model
(null: all), and with `pause` seconds before each call:

    {"job": "invoke", "batch": 8, "length": null}    token ids in, probabilities out
    {"job": "classify", "batch": 8, "window": 64}    text in, label out: cleaning, tokenising and inference

`{"job": "label", "texts": […]}` returns labels, as the peers of `starling bench compare` do.
"""

import argparse
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from stream.bench.workload import TokenIds, batches, in_buckets, of_length, read_tweets, token_ids
from stream.errors import BenchError, StarlingError
from stream.model.cascade import FIRST
from stream.model.classifier import AnyClassifier
from stream.model.loading import CascadeModel, Model, load_model
from stream.processes.answering import answer_requests
from stream.settings import ModelSettings
from stream.tweets.tweet import Tweet

_WARM_UP_CALLS = 2
_COUNTED_TWEETS = 1000
"""Tweets of which a cascade's share passed on is counted, at most."""
_WINDOW_TWEETS = 64
_MOST_IN_A_BATCH = 16
"""The service's defaults."""

Chunk = Sequence[Any]
"""Input of one call: rows of token ids, or tweets."""
Call = Callable[[AnyClassifier, Chunk], None]


class Worker:
    """A loaded model and tweets for it.

    Args:
        model: The model.
        tweets: A file of tweets; None: the samples.
    """

    def __init__(self, model: Model, tweets: str | None) -> None:
        self._model = model
        sources = read_tweets(tweets)
        self._ids = token_ids(model, sources)
        self._tweets = [replace(source.tweet, entity=None) for source in sources if model.clean(source.tweet.text)]
        if not self._ids:
            raise BenchError("no tweet has any text left after cleaning: use another file of tweets")

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a job; return its measurements, or its labels."""
        if request["job"] == "label":
            return {"labels": self._labels(request["texts"])}
        chunks, call = {"invoke": self._invoke, "classify": self._classify}[request["job"]](request)
        classifiers = self._model.classifiers[: request["interpreters"]]
        for classifier in classifiers:
            for _ in range(_WARM_UP_CALLS):
                call(classifier, next(chunks))
        measurement = Measurement(chunks, call, request["seconds"], request["queries"], request["pause"])
        found = measurement.run(classifiers)
        if isinstance(self._model, CascadeModel):
            classifier, ids = self._model.classifiers[0], self._ids[:_COUNTED_TWEETS]
            answering = [classifier.probabilities([row])[0, -1] for row in ids]
            found["passed_on"] = sum(number != FIRST for number in answering) / len(ids)
        return found

    def _invoke(self, request: dict[str, Any]) -> tuple[Iterator[Chunk], Call]:
        ids: Sequence[TokenIds] = self._ids
        if request["length"] is not None:
            ids = of_length(ids, request["length"], self._model.bundle.manifest.max_tokens)
        return batches(ids, request["batch"]), lambda classifier, chunk: _discard(classifier.probabilities(chunk))

    def _classify(self, request: dict[str, Any]) -> tuple[Iterator[Chunk], Call]:
        endless = itertools.cycle(self._tweets)
        windows = iter(lambda: list(itertools.islice(endless, request["window"])), [])
        return windows, lambda classifier, chunk: _discard(self._label(classifier, chunk, request["batch"]))

    def _labels(self, texts: Sequence[str]) -> list[str]:
        """Label texts, one window after the other, with the first interpreter."""
        labels: list[str] = []
        for first in range(0, len(texts), _WINDOW_TWEETS):
            tweets = [Tweet(id="", text=text) for text in texts[first : first + _WINDOW_TWEETS]]
            labels += self._label(self._model.classifiers[0], tweets, _MOST_IN_A_BATCH)
        return labels

    def _label(self, classifier: AnyClassifier, tweets: Sequence[Tweet], batch: int) -> list[str]:
        model = self._model
        ids = [model.encoded(tweet, model.clean(tweet.text)).ids for tweet in tweets]
        labels = [""] * len(ids)
        for places in in_buckets([len(row) for row in ids], batch, classifier.bucket):
            rows = classifier.probabilities([ids[place] for place in places])
            for place, probabilities in zip(places, rows, strict=True):
                labels[place] = model.label(tweets[place], probabilities).polarity
        return labels


class Measurement:
    """Calls that are repeated until both a minimum time and a minimum number are reached.

    Args:
        chunks: Endless inputs of the calls.
        call: The call.
        seconds: Minimum duration.
        queries: Minimum number of calls.
        pause: Seconds to sleep before each call.
    """

    def __init__(self, chunks: Iterator[Chunk], call: Call, seconds: float, queries: int, pause: float) -> None:
        self._chunks = chunks
        self._call = call
        self._seconds = seconds
        self._queries = queries
        self._pause = pause
        self._lock = threading.Lock()
        self._call_seconds: list[float] = []
        self._tweets = 0

    def run(self, classifiers: Sequence[AnyClassifier]) -> dict[str, Any]:
        """Call all classifiers, each in its own thread."""
        self._started, cpu_before = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(len(classifiers)) as threads:
            list(threads.map(self._work, classifiers))
        ended = time.monotonic()
        return {
            "tweets": self._tweets,
            "started": self._started,
            "wall_seconds": ended - self._started,
            "cpu_seconds": time.process_time() - cpu_before,
            "call_seconds": self._call_seconds,
            "resident_bytes": psutil.Process().memory_info().rss,
        }

    def _work(self, classifier: AnyClassifier) -> None:
        while (chunk := self._next()) is not None:
            if self._pause:
                time.sleep(self._pause)
            started = time.perf_counter()
            self._call(classifier, chunk)
            self._call_seconds.append(time.perf_counter() - started)
            with self._lock:
                self._tweets += len(chunk)

    def _next(self) -> Chunk | None:
        with self._lock:
            done = len(self._call_seconds) >= self._queries and time.monotonic() - self._started >= self._seconds
            return None if done else next(self._chunks)


def _discard(_: object) -> None:
    """Ignore the result of a call."""


def main() -> None:
    """Load the model and answer requests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--interpreters", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tweets")
    parser.add_argument("--cascade", type=Path)
    parser.add_argument("--cascade-threshold", type=float, nargs=3)
    options = parser.parse_args()
    settings = ModelSettings(
        path=options.bundle,
        interpreters=options.interpreters,
        threads=options.threads,
        cascade=options.cascade,
        cascade_threshold=options.cascade_threshold,
    )
    try:
        worker = Worker(load_model(settings), options.tweets)
    except StarlingError as error:
        answer_requests({"error": str(error)}, lambda _: {})
    else:
        answer_requests({"ready": True}, worker.answer)


if __name__ == "__main__":
    main()
