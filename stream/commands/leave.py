"""`starling leave`: has the broker forget a node that will not come back under its name."""

import asyncio
from pathlib import Path

import typer

from stream.errors import BrokerError, ungrouped
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session.group import subscription
from stream.session.node_session import intake_identifier
from stream.session.topics import ONLINE, energy_topic, group_topic, status_topic
from stream.settings import Settings, load_settings

_LOOK_SECONDS = 1.0
"""A retained message comes at once, or there is none."""


def leave_broker(config: Path | None, *, discard: bool) -> None:
    """End a node's session at the broker, which otherwise deals it tweets until the session expires.

    Args:
        config: The node's settings file.
        discard: Also where the broker keeps tweets for the node, which are lost then.

    Raises:
        StarlingError: The node is online, tweets wait for it, or the broker cannot be had.
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
            f"the broker keeps {waiting} tweets or more for {settings.node}: have it run once more, until it has "
            "labelled them, or drop them with --discard"
        )
    # A session that begins anew and is not persistent takes the place of the old one, and ends with the connection.
    async with Connection(settings.broker, identifier=intake_identifier(settings.node)) as client:
        for topic in (status_topic, group_topic, energy_topic):
            await client.publish_confirmed(topic(settings.node), b"", retain=True)


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
    """End it, unless tweets wait that are not to be dropped; returns how many came."""
    waiting: list[Message] = []
    intake = Connection(settings.broker, identifier=intake_identifier(settings.node), persistent=True)
    intake.deliver_to(waiting.append)  # and acknowledge none: they stay the broker's
    async with intake:
        if not intake.session_present:
            return 0
        # Changes nothing; but the broker sends what it has before it answers.
        await intake.subscribe_confirmed(subscription(settings))
        if not waiting or discard:
            await intake.unsubscribe_confirmed(subscription(settings))
            if waiting and not discard:  # they came in between, and more may: nobody else need be there to take them
                await intake.subscribe_confirmed(subscription(settings))
    return len(waiting)
