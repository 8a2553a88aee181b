"""A publisher of tweets that counts acknowledged tweets, also across restarts of the broker."""

import time
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client

from tests.soak.connection import client
from tests.soak.tweets import message


class Publisher:
    """Publisher of one tweet after the other.

    Args:
        topic: The topic to publish to.
        texts: The texts, used repeatedly.

    Attributes:
        sent: Tweets given to the client, which publishes them when it is connected.
        confirmed: Tweets that the broker has acknowledged.
        sent_again: Tweets that the broker may have received twice, because the connection was lost too early.
    """

    def __init__(self, topic: str, texts: Sequence[str]) -> None:
        self.sent = 0
        self.confirmed = 0
        self.sent_again = 0
        self._topic = topic
        self._texts = texts
        self._client = client("soak-publisher")
        self._client.on_publish = self._confirm
        self._client.on_disconnect = self._lose

    def connect(self, port: int) -> None:
        """Connect, and reconnect when the connection is lost."""
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, due_seconds: float | None = None) -> None:
        """Publish the next tweet; its due time is now by default."""
        payload = message(self.sent, time.monotonic() if due_seconds is None else due_seconds, self._texts)
        self.sent += 1
        self._client.publish(self._topic, payload, qos=1)

    def _confirm(self, _client: Client, _userdata: object, _mid: int, *_: Any) -> None:
        self.confirmed += 1

    def _lose(self, _client: Client, _userdata: object, *_: Any) -> None:
        self.sent_again += self.sent - self.confirmed
