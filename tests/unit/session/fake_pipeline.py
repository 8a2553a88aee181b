"""A pipeline without a model."""

from typing import cast

from stream.labelling.engine import Engine
from stream.labelling.entities import Entities
from stream.labelling.pipeline import MadeLabel, Outcome, ReadTweet
from stream.telemetry.metrics import Metrics
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet


class FakePipeline:
    """Labels a message that is a number with only its id, and rejects all others."""

    def __init__(self) -> None:
        self.read_headers: tuple[object, ...] = ()
        self.labelled: list[str] = []
        self.received_at: list[float] = []
        self.rejected: list[RejectedTweetError] = []
        self.long_label: bytes | None = None
        """Label of every tweet in place of the default one."""
        self.long_rejection: bytes | None = None
        """Every rejection in place of the default one."""
        self.entity: str | None = None
        """The entity that every message names."""
        self.outcomes: tuple[Outcome, ...] = ()
        """Outcomes of every tweet in place of one label."""
        self.entities = Entities(8, Metrics())

    def read(self, payload: bytes, *headers: object) -> ReadTweet:
        self.read_headers = headers
        if not payload.isdigit():
            raise RejectedTweetError(Reason.NOT_JSON, "not JSON")
        return ReadTweet(Tweet(payload.decode(), "", self.entity), (), cast("Engine", None))

    async def label(self, read: ReadTweet, received_at: float) -> tuple[Outcome, ...]:
        self.received_at.append(received_at)
        self.labelled.append(read.tweet.id)
        return self.outcomes or (MadeLabel(self.long_label or b'{"id":"%b"}' % read.tweet.id.encode()),)

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        self.received_at.append(received_at)
        self.rejected.append(rejected)
        return self.long_rejection or f"{rejected.reason}: ".encode() + payload
