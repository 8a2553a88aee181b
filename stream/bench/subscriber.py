"""Receiver of labels: `python -m stream.bench.subscriber`, a process that is controlled as child.py describes.

    {"first": 0, "count": 1000, "quiet_seconds": 30}

waits until each of these tweets has its label, or until nothing was received for `quiet_seconds`. The answer has the
arrival time of each label (`time.monotonic`; null for a missing one), and the numbers of duplicate labels and of
rejections since the last answer.
"""

import argparse
import math
import threading
import time
from typing import Any

import numpy as np
import orjson

from stream.bench.load_connection import LoadConnection
from stream.errors import StarlingError
from stream.mqtt.packets import Message
from stream.processes.answering import answer_requests


class Subscriber:
    """Records when each label arrives.

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
        self._last_received = time.monotonic()
        LoadConnection(host, port, self._received).subscribe((labels, rejected))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Wait for labels and return when they arrived."""
        numbers = range(request["first"], request["first"] + request["count"])
        self._last_received = time.monotonic()
        while not self._complete(numbers) and time.monotonic() - self._last_received < request["quiet_seconds"]:
            time.sleep(0.02)
        with self._lock:
            arrivals = np.array([self._arrived.pop(number, math.nan) for number in numbers])
            counted = {"duplicates": self._duplicates, "rejected": self._rejected}
            self._duplicates = self._rejected = 0
            self._first = numbers.stop
        return {"arrivals": arrivals, **counted}

    def _complete(self, numbers: range) -> bool:
        with self._lock:
            return len(self._arrived) + self._rejected >= len(numbers)

    def _received(self, message: Message) -> None:
        now = time.monotonic()
        with self._lock:
            self._last_received = now
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
