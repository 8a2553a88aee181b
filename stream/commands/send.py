"""`starling send`: publish a file of tweets."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from stream.commands.connection import settings_for
from stream.commands.interrupt import stop_on_interrupt
from stream.commands.progress import tweet_progress
from stream.commands.sender import Sender, SendOptions
from stream.errors import SettingsError, StarlingError
from stream.settings import LimitSettings, Settings
from stream.tweets.decoding import decode_tweet
from stream.tweets.reader import FileOptions, Record, read_records
from stream.tweets.rejections import RejectedTweetError, RejectionCount
from stream.tweets.source import Source, open_source
from stream.tweets.tweet import Tweet

_MOST_IN_BATCH = 256
_DECIMAL_BELOW = 10
"""Rates below this are shown with a decimal."""


LeaveOut = Callable[[Tweet], str | None]
"""Returns the reason not to send a tweet; None where it is sent."""


@dataclass(frozen=True)
class Selection:
    """The messages that are sent."""

    most: int | None = None
    """Number of messages after which the input ends; None: all."""
    reason_to_leave_out: LeaveOut | None = None
    """Returns the reason not to send a tweet; None: all are sent, also those that a node will reject."""


@dataclass(frozen=True)
class SendRequest:
    """Source and destination of the tweets to send."""

    name: str
    """The file, or `-` for stdin."""
    file: FileOptions
    send: SendOptions
    topic: str | None = None
    """None: the first of the settings' topics of tweets."""
    selection: Selection = Selection()


def new_id_prefix() -> str:
    """Return a beginning for the ids of tweets without one, which no other run has."""
    return f"{uuid.uuid4().hex[:12]}-"


def send_file(request: SendRequest, *, broker: str | None, config: Path | None) -> None:
    """Publish each tweet of a file at QoS 1, and say how many the broker confirmed.

    Where the connection is lost, the tweets that were not confirmed are sent again over a new one. After Ctrl-C, all
    tweets that were read are sent.

    Args:
        request: The file and the topic.
        broker: The broker's address, instead of the settings'.
        config: The settings file.

    Raises:
        StarlingError: The file cannot be read, or the broker cannot be reached or refuses a tweet.
        KeyboardInterrupt: Ctrl-C or SIGTERM ended the input.
    """
    settings = settings_for(config, broker)
    topic = request.topic or _topic_of(settings)
    started = time.monotonic()
    with (
        open_source(request.name) as source,
        stop_on_interrupt(source.stop) as interrupt,
        tweet_progress("sending", source) as done,
    ):
        sender = Sender(settings.broker, topic, request.send, done, lambda: source.stopped)
        messages = Messages(
            source,
            request.file,
            settings.limits,
            most=1 if request.send.rate else _MOST_IN_BATCH,
            selection=request.selection,
        )
        error = asyncio.run(_outcome(sender, messages, source))
    typer.echo(_summary(sender, messages, topic, time.monotonic() - started), err=True)
    if error:
        raise error
    if interrupt.received:
        raise KeyboardInterrupt


async def _outcome(sender: Sender, messages: "Messages", source: Source) -> StarlingError | None:
    try:
        await sender.send(messages.next_batch)
    except StarlingError as error:
        return error
    finally:
        source.stop()  # or the thread that waits for input would keep the program from ending
    return messages.error


def _summary(sender: Sender, messages: "Messages", topic: str, seconds: float) -> str:
    counts = [
        f"{sender.unconfirmed} not confirmed" if sender.unconfirmed else "",
        f"{sender.refused} refused by the broker" if sender.refused else "",
        _counted(messages.not_sent, "not sent"),
        _counted(messages.to_be_rejected, "that a node will reject"),
        _left_out(messages.left_out),
    ]
    all_confirmed = "" if sender.unconfirmed or sender.refused else ", all confirmed"
    rate = sender.confirmed / seconds
    rate_in_words = f"{rate:.1f}" if rate < _DECIMAL_BELOW else f"{rate:.0f}"
    sent = f"sent {sender.confirmed} tweets to {topic} in {seconds:.1f} s ({rate_in_words} a second){all_confirmed}"
    return "; ".join([sent, *filter(None, counts)])


def _counted(rejections: RejectionCount, what: str) -> str:
    return f"{rejections.total} {what}: {rejections.reasons_in_words}" if rejections.total else ""


def _left_out(reasons: Counter[str]) -> str:
    by_reason = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total()} left out: {by_reason}" if reasons else ""


def _topic_of(settings: Settings) -> str:
    topic = settings.topics.tweet_topics[0]
    if "+" in topic or "#" in topic:
        raise SettingsError(f"topics.tweets is '{topic}', which has wildcards: name a topic to send to by --topic")
    return topic


class Messages:
    """The messages of a source, up to its first error.

    Args:
        source: The input.
        options: How it is to be read.
        limits: The limits of the node that receives the messages.
        most: Messages in a batch, at most.
        selection: The messages that are sent; None: all.
    """

    def __init__(
        self,
        source: Source,
        options: FileOptions,
        limits: LimitSettings,
        *,
        most: int,
        selection: Selection | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._limits = limits
        self._most = most
        self._selection = selection or Selection()
        self._taken = 0
        self._records: Iterator[Record | None] | None = None
        self.not_sent = RejectionCount()
        """Parts of the file that are no message, for instance lines that are too long to be read."""
        self.to_be_rejected = RejectionCount()
        """Messages that a node with these limits will reject. They are sent all the same: the node's may be others."""
        self.left_out: Counter[str] = Counter()
        """Messages that the request leaves out, by reason."""
        self.error: StarlingError | None = None

    def next_batch(self) -> list[bytes] | None:
        """Return the messages that have arrived, and wait for the first; None at the end of the input."""
        batch: list[bytes] = []
        try:
            if self._records is None:
                self._records = read_records(self._source, self._options)
            for record in () if self._has_enough() else self._records:
                if record is None and batch:
                    break
                if record and (message := self._message(record)):
                    batch.append(message)
                    self._taken += 1
                if len(batch) == self._most or self._has_enough():
                    break
        except StarlingError as error:
            self.error = error
        return batch or None

    def _message(self, record: Record) -> bytes | None:
        if isinstance(record.content, RejectedTweetError):
            self.not_sent.add(record.content)
            return None
        if not record.content.strip():
            return None
        try:
            tweet = decode_tweet(record.content, self._limits)
        except RejectedTweetError as rejected:
            if self._selection.reason_to_leave_out:
                self.left_out[rejected.reason] += 1
                return None
            self.to_be_rejected.add(rejected)
        else:
            if self._selection.reason_to_leave_out and (reason := self._selection.reason_to_leave_out(tweet)):
                self.left_out[reason] += 1
                return None
        return record.content

    def _has_enough(self) -> bool:
        return self._selection.most is not None and self._taken >= self._selection.most
