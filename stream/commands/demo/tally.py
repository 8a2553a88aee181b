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

    A message that is sent several times is counted each time.
    """

    def __init__(self) -> None:
        self._limits = LimitSettings()
        self._sent_at: dict[str, deque[float]] = defaultdict(deque)
        self._digests: dict[str, list[str]] = defaultdict(list)
        """Messages by tweet id: first those to be labelled, then those that other limits may accept."""
        self.published = 0
        self.polarities: Counter[str] = Counter()
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
        outstanding = (digest for digest in self._digests.get(label["id"], ()) if self._sent_at[digest])
        seconds = self._settle(next(outstanding, ""))
        if seconds is not None:
            self.polarities[label["polarity"]] += 1
        return label, seconds

    def rejected(self, payload: bytes) -> tuple[dict[str, Any], float | None]:
        """Count a rejection; return it and the seconds since its message was published, as `labelled` does."""
        rejection = orjson.loads(payload)
        seconds = self._settle(rejection["payload_sha256"])
        if seconds is not None:
            self.reasons[rejection["reason"]] += 1
        return rejection, seconds

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
            "labelled": self.polarities.total(),
            "rejected": self.reasons.total(),
            "lost": self.outstanding,
            "seconds": round(self.seconds, 3),
            "tweets_per_second": round(self.tweets_per_second, 1),
            "latency_ms": self.latency_milliseconds(),
        }
