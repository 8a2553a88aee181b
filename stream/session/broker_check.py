"""The check of a broker for `starling check`: whether it does what the service needs."""

import asyncio
import time

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.session.proof import Reading, proof_message, prove_reading, prove_sharing, unreadable
from stream.session.topics import check_topic
from stream.settings import Settings


async def check_broker(settings: Settings) -> str:
    """Send messages to and fro and describe the broker.

    Raises:
        BrokerError: The broker does not do what the service needs.
    """
    version, seconds = await _round_trip(settings)
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
    """Publish a message while a session is absent, and see whether the session gets it."""
    topic, name = check_topic(settings.node), f"starling-{settings.node}-check"
    message = proof_message()
    try:
        async with Connection(settings.broker, identifier=name, persistent=True) as connection:
            await connection.subscribe_confirmed(topic)
        async with Connection(settings.broker) as connection:
            await connection.publish_confirmed(topic, message)
        async with Connection(settings.broker, identifier=name, persistent=True) as connection:
            async with asyncio.timeout(settings.broker.timeout_seconds if connection.session_present else 0):
                async for received in connection.incoming():
                    if received.payload == message:
                        return
    except TimeoutError as error:
        raise BrokerError(
            "the broker does not keep messages for an absent session: tweets that arrive while the node is away, or "
            "that it has not acknowledged, are lost; use another broker, or turn persistent sessions on"
        ) from error
    finally:
        async with Connection(settings.broker, identifier=name):
            pass  # a session that begins anew and is not persistent replaces the other, and ends with the connection


async def _reading(settings: Settings, topic: str) -> str:
    reading = await prove_reading(settings, topic)
    if reading is Reading.SILENT:
        raise BrokerError(unreadable(topic))
    return f"delivers {topic}" if reading is Reading.PROVEN else ""
