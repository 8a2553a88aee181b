"""`starling leave`: makes the broker forget a node that will not come back under its name."""

import asyncio
from pathlib import Path

import typer

from stream.errors import BrokerError, ungrouped
from stream.home_assistant.discovery import discovery_topic
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session.node_session import intake_identifier
from stream.session.proof import is_proof
from stream.session.subscriptions import node_subscription, read_remembered, tweet_subscriptions
from stream.session.topics import ONLINE, energy_topic, group_topic, state_topic, status_topic, subscriptions_topic
from stream.settings import Settings, load_settings

_LOOK_SECONDS = 1.0
"""A retained message comes at once, or there is none."""


def leave_broker(config: Path | None, *, discard: bool) -> None:
    """End a node's session at the broker, which otherwise sends it tweets until the session expires.

    Args:
        config: The node's settings file.
        discard: Whether to end it also if the broker keeps tweets for the node, which are then lost.

    Raises:
        StarlingError: The node is online, tweets wait for it, or the broker cannot be reached.
    """
    settings = load_settings(config)
    with ungrouped():
        asyncio.run(_leave(settings, discard=discard))
    typer.echo(f"the broker has forgotten {settings.node}")


async def _leave(settings: Settings, *, discard: bool) -> None:
    await _refuse_if_online(settings)
    waiting = await _end_subscription(settings, discard=discard)
    if waiting and not discard:
        raise BrokerError(
            f"the broker keeps {waiting} tweets or more for {settings.node}: run it once more, until it has "
            "labelled them, or drop them with --discard"
        )
    # A session that begins anew and is not persistent takes the place of the old one, and ends with the connection.
    async with Connection(settings.broker, identifier=intake_identifier(settings.node)) as client:
        for topic in (status_topic, group_topic, energy_topic, state_topic, subscriptions_topic):
            await client.publish_confirmed(topic(settings.node), b"", retain=True)
        await _leave_home_assistant(client, settings)


async def _leave_home_assistant(client: Connection, settings: Settings) -> None:
    """Remove the device; it may be there from former settings, where this user may no longer publish."""
    try:
        await client.publish_confirmed(discovery_topic(settings), b"", retain=True)
    except BrokerError:
        if settings.home_assistant.enabled:
            raise


async def _refuse_if_online(settings: Settings) -> None:
    async with Connection(settings.broker) as client:
        await client.subscribe_confirmed(status_topic(settings.node))
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                status = await anext(client.incoming())
        except TimeoutError:
            return
    if status.payload == ONLINE.encode():
        raise BrokerError(f"{settings.node} is online: stop it first")


async def _end_subscription(settings: Settings, *, discard: bool) -> int:
    """End the subscriptions, unless tweets wait that are not to be dropped; returns how many arrived."""
    topics = {*tweet_subscriptions(settings), node_subscription(settings), *(await read_remembered(settings) or ())}
    waiting: list[Message] = []
    intake = Connection(settings.broker, identifier=intake_identifier(settings.node), persistent=True)

    def take(message: Message) -> None:
        if not is_proof(message.payload):
            waiting.append(message)  # not acknowledged, so that the broker keeps it

    intake.deliver_to(take)
    async with intake:
        if not intake.session_present:
            return 0
        # Changes nothing; but the broker sends the messages that it has before it answers.
        for topic in tweet_subscriptions(settings):
            await intake.subscribe_confirmed(topic)
        if not waiting or discard:
            for topic in topics:
                await intake.unsubscribe_confirmed(topic)
            if waiting and not discard:  # tweets that arrived in between, and more may follow
                for topic in tweet_subscriptions(settings):
                    await intake.subscribe_confirmed(topic)
    return len(waiting)
