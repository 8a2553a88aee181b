"""`starling probe`: sends two tweets to a node, and waits for its labels."""

import asyncio
import itertools
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
import typer
from pydantic import BaseModel, ValidationError

from stream.errors import BrokerError, StarlingError, ungrouped
from stream.mqtt.connection import Connection
from stream.session.proof import concrete
from stream.session.topics import node_tweets_topic
from stream.settings import Settings, load_settings
from stream.tweets.label_events import result_in

_OWN_TOPIC_SECONDS = 5.0
"""Time for an answer on the node's own topic, before the topic of all tweets is tried as well."""
_BETWEEN_SECONDS = 1.0
"""Time between tweets on the topic of all tweets, where each may go to another node of the group."""
_TEXTS: Final = {
    "cheerful": "What a lovely morning, everything works!",
    "gloomy": "What a terrible morning, everything is broken again.",
}


class _Answer(BaseModel):
    id: str
    node: str
    polarity: str


def probe_node(config: Path | None, seconds: float) -> None:
    """Send a cheerful and a gloomy tweet to the node that the settings name, and wait for its labels.

    Args:
        config: The settings file.
        seconds: Time to wait for them, at most.

    Raises:
        StarlingError: A label is missing, both are the same, or the broker cannot be reached.
    """
    settings = load_settings(config)
    polarities = asyncio.run(_polarities(settings, seconds))
    told = " and ".join(f"a {mood} tweet {polarity}" for mood, polarity in sorted(polarities.items()))
    if len(set(polarities.values())) == 1:
        raise StarlingError(f"'{settings.node}' called {told}: its model gives the same label to opposite tweets")
    typer.echo(f"{settings.node} called {told}")


async def _polarities(settings: Settings, seconds: float) -> dict[str, str]:
    """Return the node's polarity of each tweet."""
    prefix = f"probe-{uuid.uuid4().hex[:12]}"
    found: dict[str, str] = {}
    try:
        with ungrouped():
            async with asyncio.timeout(seconds), Connection(settings.broker) as client, asyncio.TaskGroup() as tasks:
                await client.subscribe_confirmed(settings.topics.labels)
                sending = tasks.create_task(_send(client, settings, prefix, found), name="probe-sending")
                await _collect(client, settings, prefix, found)
                sending.cancel()
                return found
    except TimeoutError as error:
        missing = " and ".join(f"the {mood} tweet" for mood in _TEXTS if mood not in found)
        raise BrokerError(
            f"'{settings.node}' has not labelled {missing}, sent to {node_tweets_topic(settings.node)} and "
            f"{settings.topics.tweet_topics[0]}, within {seconds:g} s; check that it is ready, "
            f"and that the broker lets this user write there and read {settings.topics.labels}"
        ) from error


async def _send(client: Connection, settings: Settings, prefix: str, found: dict[str, str]) -> None:
    """Send the tweets to the node's own topic, and only if it does not answer to the topic of all tweets.

    In a group of n nodes a tweet on the topic of all tweets goes to this node once in n times.
    """
    with suppress(BrokerError):  # some brokers close the connection on what they do not allow, so it is another one
        async with Connection(settings.broker) as direct:
            for mood in _TEXTS:
                await direct.publish_confirmed(node_tweets_topic(settings.node), _tweet(prefix, mood, 0))
            await asyncio.sleep(_OWN_TOPIC_SECONDS)
    for number in itertools.count(1):
        for mood in _TEXTS:
            if mood not in found:
                topic = concrete(settings.topics.tweet_topics[0])
                await client.publish_confirmed(topic, _tweet(prefix, mood, number))
        await asyncio.sleep(_BETWEEN_SECONDS)


def _tweet(prefix: str, mood: str, number: int) -> bytes:
    return orjson.dumps({"id": f"{prefix}-{mood}-{number}", "text": _TEXTS[mood]})


async def _collect(client: Connection, settings: Settings, prefix: str, found: dict[str, str]) -> None:
    """Add the node's labels until there is one of each tweet.

    Raises:
        BrokerError: The connection ended.
    """
    async for message in client.incoming():
        try:
            answer = _Answer.model_validate_json(result_in(message.payload))
        except ValidationError:
            continue
        if answer.node == settings.node and answer.id.startswith(f"{prefix}-"):
            found.setdefault(answer.id.removeprefix(f"{prefix}-").partition("-")[0], answer.polarity)
        if found.keys() == _TEXTS.keys():
            return
    raise BrokerError("the broker ended the subscription")
