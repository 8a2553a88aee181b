"""Tally of the tweets sent: labels, rejections, tweets without a result, and latencies."""

import hashlib
import time
from collections import Counter, defaultdict, deque
from typing import Any

import numpy as np
import orjson

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

PERCENTILES = (50, 90, 99)


class Tally:
    """Matches results with messages: labels by the tweet's id, rejections by the payload's hash.

    A message that is sent several times is counted each time. A tweet that mentions several listed entities has a label
    for each: the first one ends it.
    """

    def __init__(self) -> None:
        self._limits = LimitSettings()
        self._sent_at: dict[str, deque[float]] = defaultdict(deque)
        self._digests: dict[str, list[str]] = defaultdict(list)
        """Messages by tweet id: first those to be labelled, then those that other limits may accept."""
        self.published = 0
        self.polarities: Counter[str] = Counter()
        self.entities: dict[str, Counter[str]] = defaultdict(Counter)
        """Polarities by entity."""
        self._labels: Counter[tuple[str, str]] = Counter()
        """Labels by tweet id and entity."""
        self._labelled: Counter[str] = Counter()
        """Messages with a label by tweet id."""
        self._last_sent_at: dict[str, float] = {}
        """Time at which the message was sent that was labelled last, by tweet id."""
        self.reasons: Counter[str] = Counter()
        self.duplicates = 0
        self.latencies_seconds: list[float] = []
        self._first_sent: float | None = None
        self._last_result = 0.0

    def sent(self, payload: bytes) -> None:
        """Count a message that is about to be published."""
        digest = hashlib.sha256(payload).hexdigest()
        if digest not in self._sent_at:
            self._index(payload, digest)
        now = time.perf_counter()
        self._first_sent = self._first_sent or now
        self._sent_at[digest].append(now)
        self.published += 1

    def labelled(self, payload: bytes) -> tuple[dict[str, Any], float | None]:
        """Count a label.

        Returns:
            The label, and the seconds since its tweet was published; None for a label that has come before.
        """
        label = orjson.loads(payload)
        seconds = self._seconds_of_label(label["id"], label.get("entity", ""))
        if seconds is not None:
            self.polarities[label["polarity"]] += 1
            if "entity" in label:
                self.entities[label["entity"]][label["polarity"]] += 1
        return label, seconds

    def rejected(self, payload: bytes) -> tuple[dict[str, Any], float | None]:
        """Count a rejection; return it and the seconds since its message was published, as `labelled` does."""
        rejection = orjson.loads(payload)
        seconds = self._settle(rejection["payload_sha256"])
        if seconds is not None:
            self.reasons[rejection["reason"]] += 1
        return rejection, seconds

    def _seconds_of_label(self, tweet_id: str, entity: str) -> float | None:
        """Settle a message by the first of its labels, and return the seconds since it was sent."""
        self._labels[tweet_id, entity] += 1
        if self._labels[tweet_id, entity] <= self._labelled[tweet_id]:  # another entity of a tweet that has a label
            return time.perf_counter() - self._last_sent_at[tweet_id]
        digest = next((digest for digest in self._digests.get(tweet_id, ()) if self._sent_at[digest]), "")
        seconds = self._settle(digest)
        if seconds is not None:
            self._labelled[tweet_id] += 1
            self._last_sent_at[tweet_id] = self._last_result - seconds
        return seconds

    def _index(self, payload: bytes, digest: str) -> None:
        try:
            self._digests[decode_tweet(payload, self._limits).id].insert(0, digest)
        except RejectedTweetError as rejected:
            if rejected.tweet_id is not None:
                self._digests[rejected.tweet_id].append(digest)

    def _settle(self, digest: str) -> float | None:
        if not self._sent_at.get(digest):
            self.duplicates += 1
            return None
        self._last_result = time.perf_counter()
        seconds = self._last_result - self._sent_at[digest].popleft()
        self.latencies_seconds.append(seconds)
        return seconds

    @property
    def labelled_tweets(self) -> int:
        """Number of messages with a label."""
        return self._labelled.total()

    @property
    def settled(self) -> int:
        """Number of messages with a label or a rejection."""
        return len(self.latencies_seconds)

    @property
    def outstanding(self) -> int:
        """Number of messages without a result."""
        return self.published - self.settled

    @property
    def seconds(self) -> float:
        """Time from the first message sent to the last result so far."""
        return self._last_result - self._first_sent if self._first_sent and self._last_result else 0.0

    @property
    def tweets_per_second(self) -> float:
        """Results per second in that time."""
        return self.settled / self.seconds if self.seconds else 0.0

    def latency_milliseconds(self) -> dict[str, float | None]:
        """Return percentiles of the time from publication to result; None before the first result."""
        if not self.latencies_seconds:
            return {f"p{percentile}": None for percentile in PERCENTILES}
        values = 1000 * np.percentile(self.latencies_seconds, PERCENTILES)
        return {f"p{percentile}": round(float(value), 2) for percentile, value in zip(PERCENTILES, values, strict=True)}

    def summary(self) -> dict[str, Any]:
        """Return the summary that `starling demo --json` prints."""
        return {
            "published": self.published,
            "labelled": self.labelled_tweets,
            "labels": dict(self.polarities),
            "entities": {entity: dict(polarities) for entity, polarities in self.entities.items()},
            "rejected": self.reasons.total(),
            "lost": self.outstanding,
            "seconds": round(self.seconds, 3),
            "tweets_per_second": round(self.tweets_per_second, 1),
            "latency_ms": self.latency_milliseconds(),
        }
