"""Publication of labels, rejections and replies, and of what is left of them where the broker refuses one.

A refusal concerns one of three things, and the reason code tells which:

- the topic, as an access rule does: every tweet would be refused. The session ends with the broker's reason, the tweets
  stay in the broker, and the node connects again after growing delays.
- the moment, as a quota or a busy broker: the result is held and published again with growing delays, and readiness
  says why. Nothing is lost, and the window keeps more from coming.
- the message, as its size: a label is published without its text, or becomes a rejection; a reply is dropped.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import orjson

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.mqtt.reason_codes import Code, reason_name
from stream.session.envelope import Envelope
from stream.session.refusals import Kind, Refusals, Result

_TOPIC_REFUSED = frozenset({Code.NOT_AUTHORIZED, Code.TOPIC_NAME_INVALID})
_REFUSED_FOR_NOW = frozenset({Code.SERVER_BUSY, Code.MESSAGE_RATE_TOO_HIGH, Code.QUOTA_EXCEEDED})
_PERHAPS_FOR_NOW = frozenset({Code.UNSPECIFIED_ERROR, Code.IMPLEMENTATION_SPECIFIC_ERROR})
"""Codes that brokers use for either: tried again a few times, and then taken as a refusal of the message."""
_MOST_TRIES = 3
_HANGS_UP = "the broker closes the connection each time that it gets this message"
_LONGEST_DELAY_SECONDS = 10.0


class Results:
    """Publishes the results of one session.

    Args:
        outlet: The connection.
        refusals: The node's refusals.
        timed: Measures the time of a publication.
        envelope: The form in which results are published.
    """

    def __init__(
        self,
        outlet: Connection,
        refusals: Refusals,
        timed: Callable[[], AbstractContextManager[object]],
        envelope: Envelope,
    ) -> None:
        self._outlet = outlet
        self._refusals = refusals
        self._hang_ups = refusals.hang_ups
        self._timed = timed
        self._envelope = envelope
        self._alone = asyncio.Lock()

    async def publish(self, result: Result, answered: Callable[[], None]) -> PublicationRefusedError | None:
        """Publish a label or a rejection, again and again while the broker refuses it for the moment.

        Args:
            result: The label or the rejection.
            answered: Called each time that the broker has refused it for the moment.

        Returns:
            The refusal of this very message; None: it was accepted.

        Raises:
            BrokerError: The connection is lost, or the broker refuses the topic.
        """
        refused = await self.publish_once(result)
        return None if refused is None else await self._insist(result, refused, answered)

    async def publish_once(self, result: Result) -> PublicationRefusedError | None:
        """Publish any result; returns the refusal, whatever it concerns.

        Raises:
            BrokerError: The connection is lost.
        """
        if (known := self._refusals.find(result)) is not None:
            return known
        if self._hang_ups.one_at_a_time:
            return await self._publish_alone(result)
        try:
            await self._send(result)
        except PublicationRefusedError as error:
            return self._refused(result, error)
        except BrokerError:
            self._hang_ups.lost()
            raise
        return None

    async def _insist(
        self, result: Result, refused: PublicationRefusedError | None, answered: Callable[[], None]
    ) -> PublicationRefusedError | None:
        tries = 1
        try:
            for delay in reconnect_delays(_LONGEST_DELAY_SECONDS):
                if refused is None or not _is_for_now(refused, tries):
                    return refused
                self._refusals.hold(result, refused)
                answered()
                await asyncio.sleep(delay)
                refused, tries = await self.publish_once(result), tries + 1
        finally:
            self._refusals.release(result)
        raise AssertionError("the delays never end")

    async def _publish_alone(self, result: Result) -> PublicationRefusedError | None:
        async with self._alone:
            was_connected = self._outlet.connected
            try:
                await self._send(result)
            except PublicationRefusedError as error:
                return self._refused(result, error)
            except BrokerError:
                if was_connected and self._hang_ups.lost(result.key):
                    self._refusals.remember(result, PublicationRefusedError(_HANGS_UP))
                raise
            self._hang_ups.confirmed()
            return None

    def _refused(self, result: Result, error: PublicationRefusedError) -> PublicationRefusedError:
        self._hang_ups.explain()
        if error.reason_code not in _TOPIC_REFUSED | _REFUSED_FOR_NOW | _PERHAPS_FOR_NOW:
            self._refusals.remember(result, error)
        return error

    async def _send(self, result: Result) -> None:
        correlation_data = result.source.correlation_data if result.kind is Kind.REPLY else None
        payload, headers = result.payload, None
        if self._envelope.changes(result.source):
            version_5 = self._outlet.protocol == "5"
            payload, headers = self._envelope.enclose(payload, result.source, version_5=version_5)
        with nullcontext() if result.kind is Kind.REPLY else self._timed():
            await self._outlet.publish_confirmed(
                result.topic, payload, correlation_data=correlation_data, headers=headers
            )


def _is_for_now(refused: PublicationRefusedError, tries: int) -> bool:
    """Return whether a result may be accepted later.

    Raises:
        PublicationRefusedError: None ever will, because the broker refuses the topic.
    """
    if refused.reason_code in _TOPIC_REFUSED:
        raise refused
    perhaps = refused.reason_code in _PERHAPS_FOR_NOW and tries < _MOST_TRIES
    return perhaps or refused.reason_code in _REFUSED_FOR_NOW


def without(field: str, message: bytes) -> bytes | None:
    """Return a label or a rejection without a field; None where it has none of this name."""
    fields = orjson.loads(message)
    return None if fields.pop(field, None) is None else orjson.dumps(fields)


def refusal_detail(error: PublicationRefusedError) -> str:
    """Return the broker's reason for a rejection's `detail`."""
    if error.reason_code is None:
        return "the broker closes the connection on the label"
    return f"the broker refused the label ({reason_name(error.reason_code)})"
