"""The load: first as much as the node takes, then steadily a share of that. A program of its own, so that what it costs
can be told from what the node does.

    python -m tests.soak.load '{"port": 1883, "share": 0.8, …}'

says once a second, in a line of JSON, what was counted.
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
"""While saturation is measured: several windows of the node, so that it never waits for the load."""
_UNMEASURED_SHARE = 0.3
"""Of the time for saturation, in which the node gets going."""
_PATIENCE_SECONDS = 60.0
"""Without any result for so long, what is waited for is lost."""
_LOOK_SECONDS = 0.005
_REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class LoadPlan:
    """What the load is told.

    Attributes:
        port: The broker's, on this machine.
        seconds: How long the steady load lasts.
        share: The steady load, as a ratio of saturation.
        saturation_seconds: How long saturation is measured.
        tweets: A file of tweets to send in place of the samples.
    """

    port: int
    seconds: float
    share: float
    saturation_seconds: float
    tweets: str | None = None


@dataclass(frozen=True)
class Report:
    """What was counted; all counts are since the program began.

    Attributes:
        phase: "saturation", "steady", "finish" while the last results are awaited, and "end" once.
        at_seconds: Since the steady load began.
        rate: Tweets a second that are aimed at; None while saturation is measured.
        published: Tweets that the broker has confirmed.
        sent_again: Tweets that the broker may have been sent twice.
        labelled: Tweets with a label.
        rejected: Tweets with a rejection.
        repeated: Tweets with more than one result.
        waiting: Tweets without a result, in the load, the broker or the node; at the end, those lost.
        latency_p50_seconds: Median of those whose result came since the last report; None where none came.
        latency_p99_seconds: Likewise, the 99th percentile.
        cpu_seconds: The load's own.
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
    """Publishes, counts and reports."""

    def __init__(self, plan: LoadPlan) -> None:
        topics = TopicSettings()
        self._plan = plan
        self._publisher = Publisher(topics.tweet_topics[0], texts(Path(plan.tweets) if plan.tweets else None))
        self._results = Results(topics)
        self._rate: float | None = None
        self._phase = "saturation"
        self._started = self._reported = time.monotonic()

    def run(self) -> None:
        """Do all of it."""
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
        """Keep the node busy; returns how many tweets a second it did."""
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
        """Publish each tweet when it is due, whatever became of the others: an open loop."""
        for due_seconds in _due(self._started, rate, self._plan.seconds):
            self._report_if_due()
            time.sleep(max(0.0, due_seconds - time.monotonic()))
            self._publisher.publish(due_seconds)

    def _finish(self) -> None:
        """Wait until every tweet has its result, or none comes any more."""
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
    """The median and the 99th percentile; None where there is nothing."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (None, None)
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def _due(started: float, rate: float, seconds: float) -> Iterator[float]:
    return (started + number / rate for number in range(int(seconds * rate)))


if __name__ == "__main__":
    Load(LoadPlan(**orjson.loads(sys.argv[1]))).run()
