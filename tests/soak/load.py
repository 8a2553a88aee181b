"""The load: first saturation, then a constant share of it. It is a separate process, so that its CPU time is known.

    python -m tests.soak.load '{"port": 1883, "share": 0.8, …}'

prints a report as a line of JSON once per second.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

import orjson

from stream.settings import TopicSettings
from tests.soak.publisher import Publisher
from tests.soak.results import Results
from tests.soak.tweets import texts

_MOST_OUTSTANDING = 256
"""Unanswered tweets while saturation is measured: several windows of the node, so that it never waits for the load."""
_UNMEASURED_SHARE = 0.3
"""Share of the saturation time that is not measured, while the node warms up."""
_PATIENCE_SECONDS = 60.0
"""After this time without a result the missing ones count as lost."""
_LOOK_SECONDS = 0.005
_REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class LoadPlan:
    """Parameters of the load.

    Attributes:
        port: Port of the broker on this machine.
        seconds: Duration of the steady load.
        share: The steady load, as a ratio of saturation.
        saturation_seconds: Duration of the saturation measurement.
        tweets: A file of tweets to send instead of the samples.
    """

    port: int
    seconds: float
    share: float
    saturation_seconds: float
    tweets: str | None = None


@dataclass(frozen=True)
class Report:
    """Counts since the start of the program.

    Attributes:
        phase: "saturation", "steady", "finish" while the last results are awaited, and "end" once.
        at_seconds: Time since the start of the steady load.
        rate: Target in tweets per second; None while saturation is measured.
        published: Tweets that the broker has acknowledged.
        sent_again: Tweets that may have been sent twice.
        labelled: Tweets with a label.
        rejected: Tweets with a rejection.
        repeated: Tweets with more than one result.
        waiting: Tweets without a result, in the load, the broker or the node; at the end, those lost.
        latency_p50_seconds: Median latency of results since the last report; None without results.
        latency_p99_seconds: 99th percentile of the same latencies.
        cpu_seconds: CPU time of the load.
    """

    phase: str
    at_seconds: float
    rate: float | None
    published: int
    sent_again: int
    labelled: int
    rejected: int
    repeated: int
    waiting: int
    latency_p50_seconds: float | None
    latency_p99_seconds: float | None
    cpu_seconds: float


class Load:
    """A load that publishes tweets, counts results and reports."""

    def __init__(self, plan: LoadPlan) -> None:
        topics = TopicSettings()
        self._plan = plan
        self._publisher = Publisher(topics.tweet_topics[0], texts(Path(plan.tweets) if plan.tweets else None))
        self._results = Results(topics)
        self._rate: float | None = None
        self._phase = "saturation"
        self._started = self._reported = time.monotonic()

    def run(self) -> None:
        """Run all phases."""
        self._results.connect(self._plan.port)
        self._publisher.connect(self._plan.port)
        self._rate = self._plan.share * self._saturate()
        self._finish()
        self._phase = "steady"
        self._started = time.monotonic()
        self._publish_steadily(self._rate)
        self._phase = "finish"
        self._finish()
        self._phase = "end"
        self._report()

    @property
    def _waiting(self) -> int:
        return self._publisher.sent - self._results.tweets

    def _saturate(self) -> float:
        """Saturate the node; return its throughput in tweets per second."""
        begin = time.monotonic() + _UNMEASURED_SHARE * self._plan.saturation_seconds
        end = self._started + self._plan.saturation_seconds
        self._until(lambda: time.monotonic() >= begin, self._fill)
        done, begun = self._results.tweets, time.monotonic()
        self._until(lambda: time.monotonic() >= end, self._fill)
        return (self._results.tweets - done) / (time.monotonic() - begun)

    def _fill(self) -> None:
        for _ in range(_MOST_OUTSTANDING - self._waiting):
            self._publisher.publish()

    def _publish_steadily(self, rate: float) -> None:
        """Publish each tweet at its due time, independent of results (open loop)."""
        for due_seconds in _due(self._started, rate, self._plan.seconds):
            self._report_if_due()
            time.sleep(max(0.0, due_seconds - time.monotonic()))
            self._publisher.publish(due_seconds)

    def _finish(self) -> None:
        """Wait until every tweet has its result, or no more results arrive."""
        most, changed = self._results.tweets, time.monotonic()

        def over() -> bool:
            nonlocal most, changed
            if self._results.tweets > most:
                most, changed = self._results.tweets, time.monotonic()
            return not self._waiting or time.monotonic() - changed > _PATIENCE_SECONDS

        self._until(over, lambda: None)

    def _until(self, over: Callable[[], bool], work: Callable[[], None]) -> None:
        while not over():
            work()
            self._report_if_due()
            time.sleep(_LOOK_SECONDS)

    def _report_if_due(self) -> None:
        if time.monotonic() >= self._reported + _REPORT_SECONDS:
            self._reported = time.monotonic()
            self._report()

    def _report(self) -> None:
        publisher, results = self._publisher, self._results
        p50, p99 = percentiles(results.take_latencies_seconds())
        report = Report(
            phase=self._phase,
            at_seconds=time.monotonic() - self._started,
            rate=self._rate,
            published=publisher.confirmed,
            sent_again=publisher.sent_again,
            labelled=results.labelled,
            rejected=results.rejected,
            repeated=results.repeated,
            waiting=self._waiting,
            latency_p50_seconds=p50,
            latency_p99_seconds=p99,
            cpu_seconds=time.process_time(),
        )
        sys.stdout.buffer.write(orjson.dumps(asdict(report)) + b"\n")
        sys.stdout.buffer.flush()


def percentiles(values: list[float]) -> tuple[float | None, float | None]:
    """Return the median and the 99th percentile; None without values."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (None, None)
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def _due(started: float, rate: float, seconds: float) -> Iterator[float]:
    return (started + number / rate for number in range(int(seconds * rate)))


if __name__ == "__main__":
    Load(LoadPlan(**orjson.loads(sys.argv[1]))).run()
