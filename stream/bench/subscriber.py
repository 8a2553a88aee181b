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

from stream.bench.paho_client import Client, MQTTMessage, connected
from stream.errors import StarlingError
from stream.processes.answering import answer_requests

_ACKNOWLEDGE_SECONDS = 10.0


class Subscriber:
    """Records when each label arrives.

    Args:
        client: A connected client.
        labels: The topic of labels.
        rejected: The topic of rejections.
    """

    def __init__(self, client: Client, labels: str, rejected: str) -> None:
        self._labels = labels
        self._lock = threading.Lock()
        self._arrived: dict[int, float] = {}
        self._duplicates = 0
        self._rejected = 0
        self._first = 0
        self._last_received = time.monotonic()
        subscribed = threading.Event()
        client.on_message = self._received
        client.on_subscribe = lambda *_: subscribed.set()
        client.loop_start()
        client.subscribe([(labels, 1), (rejected, 1)])
        subscribed.wait(_ACKNOWLEDGE_SECONDS)

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

    def _received(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
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
        subscriber = Subscriber(connected(options.host, options.port), options.labels, options.rejected)
    except StarlingError as error:
        answer_requests({"error": str(error)}, lambda _: {})
    else:
        answer_requests({"ready": True}, subscriber.answer)


if __name__ == "__main__":
    main()
