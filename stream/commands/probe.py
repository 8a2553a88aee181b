"""`starling probe`: sends tweets until this node has labelled one."""

import asyncio
import itertools
import uuid
from contextlib import suppress
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, ValidationError

from stream.errors import BrokerError, ungrouped
from stream.mqtt.connection import Connection
from stream.session.proof import concrete
from stream.session.topics import node_tweets_topic
from stream.settings import Settings, load_settings
from stream.tweets.label_events import result_in

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
    """Send a tweet a second to the topic of tweets, and the first one to the node's own topic too.

    In a large group the node's turn may take a while; its own topic reaches it at once, where this user may publish
    there and the node's release knows that topic.
    """
    with suppress(BrokerError):  # some brokers close the connection on what they do not allow, so it is another one
        async with Connection(settings.broker) as direct:
            await direct.publish_confirmed(node_tweets_topic(settings.node), _tweet(prefix, 0))
    for number in itertools.count(1):
        await client.publish_confirmed(concrete(settings.topics.tweet_topics[0]), _tweet(prefix, number))
        await asyncio.sleep(_BETWEEN_SECONDS)


def _tweet(prefix: str, number: int) -> bytes:
    return orjson.dumps({"id": f"{prefix}-{number}", "text": _TEXT})


async def _answer(client: Connection, settings: Settings, prefix: str) -> _Answer:
    async for message in client.incoming():
        try:
            answer = _Answer.model_validate_json(result_in(message.payload))
        except ValidationError:
            continue
        if answer.node == settings.node and answer.id.startswith(prefix):
            return answer
    raise BrokerError("the broker ended the subscription")
