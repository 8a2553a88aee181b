"""The check of a broker for `starling check`: whether it does what the service needs."""

import asyncio
import time
from contextlib import suppress

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session.proof import Reading, proof_message, prove_reading, prove_sharing, unreadable
from stream.session.topics import check_topic
from stream.settings import Settings


async def check_broker(settings: Settings) -> str:
    """Send messages to and fro and describe the broker.

    Raises:
        BrokerError: The broker does not do what the service needs.
    """
    version, seconds = await _round_trip(settings)
    broker = settings.broker.model_copy(update={"protocol": version})  # so that it is not found out again each time
    settings = settings.model_copy(update={"broker": broker})
    found = [f"carries a message there and back in {1000 * seconds:.1f} ms over MQTT {version}"]
    if settings.broker.session_expiry_seconds:
        await _keeps_for_an_absent_session(settings)
        found.append("keeps messages for an absent node")
    if settings.broker.group:
        await prove_sharing(settings, check_topic(settings.node))
        found.append("shares tweets in a group")
    found += [await _reading(settings, topic) for topic in settings.topics.tweet_topics]
    return f"{settings.broker.host}:{settings.broker.port} {', '.join(filter(None, found))}"


async def _round_trip(settings: Settings) -> tuple[str, float]:
    topic = check_topic(settings.node)
    async with Connection(settings.broker) as connection:
        await connection.subscribe_confirmed(topic)
        started = time.perf_counter()
        await connection.publish_confirmed(topic, b"check")
        try:
            async with asyncio.timeout(settings.broker.timeout_seconds):
                await anext(connection.incoming())
        except TimeoutError as error:
            raise BrokerError(
                f"the broker takes messages to {topic} but does not bring them back: check its access rules"
            ) from error
        return connection.protocol, time.perf_counter() - started


async def _keeps_for_an_absent_session(settings: Settings) -> None:
    """See whether a session gets again what it has not acknowledged, and what is published while it is absent."""
    topic, name = check_topic(settings.node), f"starling-{settings.node}-check"
    unacknowledged, waiting = proof_message(), proof_message()
    missing = {unacknowledged, waiting}
    try:
        await _leave_unacknowledged(settings, name, topic, unacknowledged)
        async with Connection(settings.broker) as connection:
            await connection.publish_confirmed(topic, waiting)
        async with Connection(settings.broker, identifier=name, persistent=True) as connection:
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.broker.timeout_seconds if connection.session_present else 0):
                    async for received in connection.incoming():
                        missing.discard(received.payload)
                        if not missing:
                            break
    finally:
        async with Connection(settings.broker, identifier=name):
            pass  # a session that begins anew and is not persistent replaces the other, and ends with the connection
    if waiting in missing:
        raise BrokerError(
            "the broker does not keep messages for an absent session: tweets that arrive while the node is away, or "
            "that it has not acknowledged, are lost; use another broker, or turn persistent sessions on"
        )
    if unacknowledged in missing:
        raise BrokerError(
            "the broker does not send a message again that was not acknowledged: tweets that the node holds when its "
            "connection is lost, or when it is killed, are lost; use another broker"
        )


async def _leave_unacknowledged(settings: Settings, name: str, topic: str, message: bytes) -> None:
    """Receive a message in a session, and end the connection without acknowledging it."""
    came = asyncio.Event()

    def take(received: Message) -> None:
        if received.payload == message:
            came.set()

    connection = Connection(settings.broker, identifier=name, persistent=True)
    connection.deliver_to(take)
    async with connection:
        await connection.subscribe_confirmed(topic)
        await connection.publish_confirmed(topic, message)
        with suppress(TimeoutError):  # one that does not come is missing later, too
            async with asyncio.timeout(settings.broker.timeout_seconds):
                await came.wait()


async def _reading(settings: Settings, topic: str) -> str:
    reading = await prove_reading(settings, topic)
    if reading is Reading.SILENT:
        raise BrokerError(unreadable(topic))
    return f"delivers {topic}" if reading is Reading.PROVEN else ""
