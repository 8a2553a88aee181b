"""A subscriber that counts the results of each tweet and measures their latency."""

import threading
import time
from collections import deque
from typing import Any

import orjson
from paho.mqtt.client import Client, MQTTMessage

from stream.settings import TopicSettings
from tests.soak.connection import client
from tests.soak.tweets import read_id

_REMEMBERED = 10_000
_MOST_COUNTED = 255


class Results:
    """A subscriber to labels and rejections, with a session that persists across restarts of the broker.

    Attributes:
        labelled: Tweets whose first result is a label.
        rejected: Tweets whose first result is a rejection.
        repeated: Tweets with more than one result.
    """

    def __init__(self, topics: TopicSettings) -> None:
        self.labelled = 0
        self.rejected = 0
        self.repeated = 0
        self._topics = topics
        self._counts = bytearray()
        self._latencies_seconds: list[float] = []
        self._recent: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._subscribed = threading.Event()
        self._client = client("soak-results")
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = self._note_subscribed
        self._client.on_message = self._take

    @property
    def tweets(self) -> int:
        """Number of tweets that have a result."""
        return self.labelled + self.rejected

    def connect(self, port: int) -> None:
        """Connect and subscribe; reconnects automatically."""
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._subscribed.wait()

    def take_latencies_seconds(self) -> list[float]:
        """Return the latencies since the last call: from a tweet's due time to its first result."""
        count = len(self._latencies_seconds)  # paho's thread may append more meanwhile
        taken = self._latencies_seconds[:count]
        del self._latencies_seconds[:count]
        return taken

    def _subscribe(self, client: Client, _userdata: object, *_: Any) -> None:
        client.subscribe([(self._topics.labels, 1), (self._topics.rejected, 1)])

    def _note_subscribed(self, _client: Client, _userdata: object, *_: Any) -> None:
        self._subscribed.set()

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        if message.dup and payload in self._recent:
            return  # redelivered by the broker to this subscriber, not published again by the node
        self._recent.append(payload)
        number, due_seconds = read_id(orjson.loads(payload)["id"])
        self._count(number, rejected=message.topic == self._topics.rejected)
        if self._counts[number] == 1:
            self._latencies_seconds.append(time.monotonic() - due_seconds)

    def _count(self, number: int, *, rejected: bool) -> None:
        if number >= len(self._counts):
            self._counts.extend(bytes(number + 1 - len(self._counts)))
        before = self._counts[number]
        self._counts[number] = min(before + 1, _MOST_COUNTED)
        self.rejected += before == 0 and rejected
        self.labelled += before == 0 and not rejected
        self.repeated += before == 1
