"""Publishes tweets, through the broker's restarts, and counts those that the broker has confirmed."""

import time
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client

from tests.soak.connection import client
from tests.soak.tweets import message


class Publisher:
    """Publishes one tweet after the other.

    Args:
        topic: Where to.
        texts: What to cycle through.

    Attributes:
        sent: How many tweets were handed over, to be published as soon as there is a broker.
        confirmed: How many of them the broker has.
        sent_again: How many the broker may have twice, since it went away before it could confirm them.
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
        """Connect, and stays so."""
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, due_seconds: float | None = None) -> None:
        """Publish the next tweet, which was due then; left out: now."""
        payload = message(self.sent, time.monotonic() if due_seconds is None else due_seconds, self._texts)
        self.sent += 1
        self._client.publish(self._topic, payload, qos=1)

    def _confirm(self, _client: Client, _userdata: object, _mid: int, *_: Any) -> None:
        self.confirmed += 1

    def _lose(self, _client: Client, _userdata: object, *_: Any) -> None:
        self.sent_again += self.sent - self.confirmed
