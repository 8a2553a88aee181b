"""Load generator: `python -m stream.bench.publisher`, a process that is controlled as child.py describes.

    {"first": 0, "count": 1000, "rate": 50, "arrivals": "poisson", "start_at": 1234.5}

publishes tweets with the ids `first`, `first + 1`, and so on, each at its due time after `start_at` (`time.monotonic`);
with `rate` 0, as fast as possible. It answers when the broker has acknowledged all of them.
"""

import argparse
import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

from stream.bench.load_connection import LoadConnection
from stream.bench.statistics import due_seconds
from stream.bench.workload import Source, numbered, read_tweets
from stream.errors import BrokerError, StarlingError
from stream.processes.answering import answer_requests

_ACKNOWLEDGE_SECONDS = 60.0


class Publisher:
    """Publishes numbered tweets.

    Args:
        connection: The connection.
        topic: The topic to publish to.
        tweets: The tweets, used repeatedly.
    """

    def __init__(self, connection: LoadConnection, topic: str, tweets: Sequence[Source]) -> None:
        self._connection = connection
        self._topic = topic
        self._tweets = tweets
        self._in_flight = 0
        self._changed = threading.Condition()
        self._failure: BrokerError | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Publish the requested tweets.

        Raises:
            BrokerError: The connection was lost, or the broker does not acknowledge.
        """
        first, count, start_at = request["first"], request["count"], request["start_at"]
        due = due_seconds(count, request["rate"], request["arrivals"]) if request["rate"] else itertools.repeat(0.0)
        latest = 0.0
        for number, seconds in zip(range(first, first + count), due, strict=False):
            if (wait := start_at + seconds - time.monotonic()) > 0:
                time.sleep(wait)
            elif request["rate"]:
                latest = max(latest, -wait)
            self._publish(number)
        with self._changed:
            if not self._changed.wait_for(lambda: not self._in_flight, _ACKNOWLEDGE_SECONDS):
                raise BrokerError(
                    f"the broker did not acknowledge {self._in_flight} tweets within {_ACKNOWLEDGE_SECONDS:.0f} s"
                )
            if self._failure is not None:
                raise self._failure
        return {"sent": count, "ended": time.monotonic(), "latest_seconds": latest}

    def _publish(self, number: int) -> None:
        payload = numbered(self._tweets[number % len(self._tweets)].payload, number)
        with self._changed:
            self._in_flight += 1
        self._connection.publish(self._topic, payload, self._acknowledged)

    def _acknowledged(self, failure: BrokerError | None) -> None:
        with self._changed:
            self._in_flight -= 1
            self._failure = self._failure or failure
            if not self._in_flight:
                self._changed.notify()


def main() -> None:
    """Connect and answer requests."""
    parser = argparse.ArgumentParser()
    for option in ("--host", "--topic"):
        parser.add_argument(option, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tweets")
    options = parser.parse_args()
    try:
        publisher = Publisher(LoadConnection(options.host, options.port), options.topic, read_tweets(options.tweets))
    except StarlingError as error:
        answer_requests({"error": str(error)}, lambda _: {})
    else:
        answer_requests({"ready": True}, publisher.answer)


if __name__ == "__main__":
    main()
