"""Takes labels as a process of its own: `python -m stream.bench.subscriber`, asked as child.py describes.

    {"first": 0, "count": 1000, "quiet_seconds": 30}

waits until each of these tweets has its label, or until nothing has come for `quiet_seconds`. The answer has the time
of `time.monotonic` at which each label came, null for one that did not, and counts of what else came since the last
time: labels that had come before, and rejections.
"""

import argparse
import math
import threading
import time
from typing import Any

import numpy as np
import orjson

from stream.bench.answering import answer_requests
from stream.bench.load_connection import LoadConnection
from stream.errors import StarlingError
from stream.mqtt.packets import Message


class Subscriber:
    """Notes when each label comes.

    Args:
        host: The broker's name or address.
        port: Its port.
        labels: The topic of labels.
        rejected: The topic of rejections.

    Raises:
        BrokerError: The broker cannot be reached, or refuses the subscriptions.
    """

    def __init__(self, host: str, port: int, labels: str, rejected: str) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._arrived: dict[int, float] = {}
        self._duplicates = 0
        self._rejected = 0
        self._first = 0
        self._last = time.monotonic()
        LoadConnection(host, port, self._take).subscribe((labels, rejected))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Wait for labels, and say when they came."""
        wanted = range(request["first"], request["first"] + request["count"])
        self._last = time.monotonic()
        while not self._complete(wanted) and time.monotonic() - self._last < request["quiet_seconds"]:
            time.sleep(0.02)
        with self._lock:
            arrivals = np.array([self._arrived.pop(number, math.nan) for number in wanted])
            counted = {"duplicates": self._duplicates, "rejected": self._rejected}
            self._duplicates = self._rejected = 0
            self._first = wanted.stop
        return {"arrivals": arrivals, **counted}

    def _complete(self, wanted: range) -> bool:
        with self._lock:
            return len(self._arrived) + self._rejected >= len(wanted)

    def _take(self, message: Message) -> None:
        now = time.monotonic()
        with self._lock:
            self._last = now
            if message.topic != self._labels:
                self._rejected += 1
                return
            number = int(orjson.loads(message.payload)["id"])
            if number < self._first or number in self._arrived:
                self._duplicates += 1
            else:
                self._arrived[number] = now


def main() -> None:
    """Connect and answer requests."""
    parser = argparse.ArgumentParser()
    for option in ("--host", "--labels", "--rejected"):
        parser.add_argument(option, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    try:
        subscriber = Subscriber(options.host, options.port, options.labels, options.rejected)
    except StarlingError as error:
        answer_requests({"error": str(error)}, lambda _: {})
    else:
        answer_requests({"ready": True}, subscriber.answer)


if __name__ == "__main__":
    main()
