"""`starling probe`: sends tweets until this node has labelled one."""

import asyncio
import uuid
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, ValidationError

from stream.errors import BrokerError, ungrouped
from stream.mqtt.connection import Connection
from stream.settings import Settings, load_settings

_BETWEEN_SECONDS = 1.0
"""Time between tweets; in a group each goes to another node, so several may be needed."""
_TEXT = "What a lovely morning, everything works!"


class _Answer(BaseModel):
    id: str
    node: str
    polarity: str


def probe_node(config: Path | None, seconds: float) -> None:
    """Send a tweet a second until the node that the settings name has labelled one.

    Args:
        config: The settings file.
        seconds: How long that may take.

    Raises:
        StarlingError: No label of that node came, or the broker cannot be had.
    """
    settings = load_settings(config)
    answer = asyncio.run(_first_answer(settings, seconds))
    typer.echo(f"{answer.node} called a cheerful tweet {answer.polarity}")


async def _first_answer(settings: Settings, seconds: float) -> _Answer:
    prefix = f"probe-{uuid.uuid4().hex[:12]}"
    try:
        with ungrouped():
            async with asyncio.timeout(seconds), Connection(settings.broker) as client, asyncio.TaskGroup() as tasks:
                await client.subscribe_confirmed(settings.topics.labels)
                sending = tasks.create_task(_send(client, settings, prefix), name="probe-sending")
                answer = await _answer(client, settings, prefix)
                sending.cancel()
                return answer
    except TimeoutError as error:
        raise BrokerError(
            f"'{settings.node}' labelled none of the tweets sent to {settings.topics.tweet_topics[0]} "
            f"within {seconds:g} s; check that it is ready, "
            f"and that the broker lets this user write there and read {settings.topics.labels}"
        ) from error


async def _send(client: Connection, settings: Settings, prefix: str) -> None:
    number = 0
    while True:
        tweet = {"id": f"{prefix}-{number}", "text": _TEXT}
        await client.publish_confirmed(_without_wildcards(settings.topics.tweet_topics[0]), orjson.dumps(tweet))
        await asyncio.sleep(_BETWEEN_SECONDS)
        number += 1


def _without_wildcards(topic: str) -> str:
    return topic.replace("+", "probe").replace("#", "probe")


async def _answer(client: Connection, settings: Settings, prefix: str) -> _Answer:
    async for message in client.incoming():
        try:
            answer = _Answer.model_validate_json(message.payload)
        except ValidationError:
            continue
        if answer.node == settings.node and answer.id.startswith(prefix):
            return answer
    raise BrokerError("the broker ended the subscription")
