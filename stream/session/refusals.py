"""The results that the broker has refused: remembered, counted, and logged once for each kind."""

import hashlib
import logging
import time
from collections import OrderedDict
from enum import StrEnum
from typing import NamedTuple

from stream.errors import PublicationRefusedError
from stream.mqtt.packets import Message
from stream.mqtt.reason_codes import Code
from stream.session.hang_ups import HangUps, Key
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_MOST_REMEMBERED = 1024
_REMEMBERED_SECONDS = 600.0
"""Time after which the broker is tried again: its limits may have been raised."""


class Kind(StrEnum):
    """The kinds of result."""

    LABEL = "label"
    SHORT_LABEL = "label without text"
    REJECTION = "rejection"
    SHORT_REJECTION = "rejection without entity"
    REPLY = "reply"


class Result(NamedTuple):
    """A message to be published, and the message that it is the result of."""

    kind: Kind
    topic: str
    payload: bytes
    source: Message
    entity: str | None = None
    """The entity that it concerns: a message may have a label for each of several."""

    @property
    def key(self) -> Key:
        """The result's identity over all sessions; the payload differs each time."""
        place = f"{self.topic}\0{self.entity or ''}\0"
        return self.kind, hashlib.sha256(place.encode() + self.source.payload).digest()


class Refusals:
    """The refusals of a node, over all its sessions.

    A result that was refused for itself is not published again, nor one of at least the size of one that was refused as
    too large: Mosquitto closes the connection after such a refusal.

    Args:
        metrics: Counts the refused results.
        health: Shows that results are held.
        calm_seconds: A connection that lasted longer was not lost because of a message.
    """

    def __init__(self, metrics: Metrics, health: Health, calm_seconds: float) -> None:
        self.hang_ups = HangUps(calm_seconds)
        self._metrics = metrics
        self._health = health
        self._logged: set[tuple[str, int | None]] = set()
        self._held: set[int] = set()
        self._refused: OrderedDict[Key, PublicationRefusedError] = OrderedDict()
        self._too_large: tuple[int, PublicationRefusedError] | None = None
        self._forget_at = 0.0

    def find(self, result: Result) -> PublicationRefusedError | None:
        """Return the refusal to be expected of a result; None where there is none."""
        if not self._refused:
            return None
        if time.monotonic() > self._forget_at:
            self._refused.clear()
            self._too_large = None
            return None
        if self._too_large and len(result.payload) >= self._too_large[0]:
            return self._too_large[1]
        return self._refused.get(result.key)

    def remember(self, result: Result, error: PublicationRefusedError) -> None:
        """Remember a result that the broker refused for itself."""
        if not self._refused:
            self._forget_at = time.monotonic() + _REMEMBERED_SECONDS
        self._refused[result.key] = error
        if len(self._refused) > _MOST_REMEMBERED:
            self._refused.popitem(last=False)
        if (
            result.kind is not Kind.REPLY
            and error.reason_code == Code.PACKET_TOO_LARGE
            and not (self._too_large and self._too_large[0] <= len(result.payload))
        ):
            self._too_large = len(result.payload), error

    def count(self, kind: Kind, error: PublicationRefusedError) -> None:
        """Count a refused result; the first of its kind is logged."""
        self._metrics.results_refused.labels(kind).inc()
        if (kind, error.reason_code) not in self._logged:
            self._logged.add((kind, error.reason_code))
            more = "further ones are counted in starling_results_refused_total"
            logger.warning("the broker refuses a %s: %s; %s", kind, error, more)

    def hold(self, result: Result, error: PublicationRefusedError) -> None:
        """Note that a result waits until the broker accepts it."""
        if not self._held:
            logger.warning("results are held and published again: %s", error)
        self._held.add(id(result))
        self._health.obstacles["results"] = f"the broker accepts no results for now ({error})"

    def release(self, result: Result) -> None:
        """Note that a result waits no more."""
        self._held.discard(id(result))
        if not self._held:
            self._health.obstacles.pop("results", None)
