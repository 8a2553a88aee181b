"""The service against a real Mosquitto."""

import asyncio
import hashlib
import signal

import pytest

from stream.mqtt.connection import Connection
from stream.session.topics import OFFLINE, ONLINE
from stream.tweets.rejections import Reason
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for

pytestmark = pytest.mark.broker
PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])

GARBAGE = {
    b"": Reason.EMPTY,
    b"hello": Reason.NOT_JSON,
    b"\xff\xfe": Reason.NOT_UTF8,
    b"[1]": Reason.NOT_AN_OBJECT,
    b'{"text":"no id"}': Reason.NO_ID,
    b'{"id":true,"text":"a"}': Reason.BAD_ID,
    b'{"id":"g1"}': Reason.NO_TEXT,
    b'{"id":"g2","text":"  "}': Reason.NO_TEXT,
    b'{"id":"g3","text":7}': Reason.BAD_TEXT,
    b'{"id":"g4","text":"\\ud83d"}': Reason.NOT_JSON,
    b'{"id":"g5","text":"\\u0000\\u0001"}': Reason.NOTHING_LEFT,
    b"[" * 3000: Reason.NOT_JSON,
    b'{"id":"g6","text":"' + b"a" * 20_000 + b'"}': Reason.TOO_LONG,
    b'{"id":"g7","text":"' + b"a" * 1_000_000 + b'"}': Reason.TOO_LARGE,
}


@PROTOCOLS
async def test_a_label_has_the_documented_fields(broker: Mosquitto, protocol: str) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    async with serving(settings), probing(settings) as probe:
        await probe.tweet("1", "I love it, best day of my life!", entity="Acme", lang="en")
        label = await probe.label_of("1")
    assert label.keys() == {
        *("id", "polarity", "confidence", "probabilities", "model", "node", "received_at", "classified_at"),
        *("entity", "entity_used", "lang", "lang_source", "language_supported"),
    }
    assert label["polarity"] == "positive"
    assert label["confidence"] == max(label["probabilities"].values())
    assert (label["node"], label["entity"], label["lang"]) == ("test", "Acme", "en")
    assert label["model"]["precision"] == "int8"
    assert label["received_at"] <= label["classified_at"]


@PROTOCOLS
async def test_a_message_that_is_not_a_tweet_is_rejected_with_its_reason(broker: Mosquitto, protocol: str) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    async with serving(settings), probing(settings) as probe:
        for payload in GARBAGE:
            await probe.send(payload)
        await probe.tweet("after")
        await probe.label_of("after")
        await probe.until(lambda: len(probe.rejections) == len(GARBAGE))
    reasons = {rejection["payload_sha256"]: rejection["reason"] for rejection in probe.rejections}
    assert reasons == {hashlib.sha256(payload).hexdigest(): reason for payload, reason in GARBAGE.items()}


async def test_unusual_but_valid_tweets_are_labelled(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    unusual = {
        "rtl": "\u202eevil\u202c مرحبا بالعالم",
        "nul": "good\u0000bye",
        "zwj": "👩‍👩‍👧‍👦🏳️‍🌈",
        "combining": "z̷̢̛a͝l͟g̸o͜",
        "long": "so " * 3000,
        "url": "https://t.co/abc",
        "mention": "@someone",
    }
    async with serving(settings), probing(settings) as probe:
        for tweet_id, text in unusual.items():
            await probe.tweet(tweet_id, text)
        await probe.send(b'{"id": 12345678901234567890, "text": "a number for an id"}')
        await probe.until(lambda: len(probe.labels) == len(unusual) + 1)
    assert sorted(probe.labelled_ids()) == sorted([*unusual, "12345678901234567890"])
    assert not probe.rejections


async def test_results_are_not_retained_and_do_not_contain_the_text(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings):
        async with probing(settings) as probe:
            await probe.tweet("1", "xyzzy is my secret word")
            await probe.send(b'{"text":"xyzzy without an id"}')
            await probe.send(b'{"id":"2","text":"xyzzy')
            await probe.until(lambda: len(probe.labels) + len(probe.rejections) == 3)
        assert not any(b"xyzzy" in message.payload for message in probe.messages)
        async with probing(settings) as later:
            await later.until(lambda: later.status)
    assert [message.topic for message in later.messages if message.retain] == ["starling/test/status"]


async def test_the_label_contains_the_text_if_the_settings_enable_it(broker: Mosquitto) -> None:
    settings = settings_for(broker.port, labels={"include_text": True})
    async with serving(settings), probing(settings) as probe:
        await probe.tweet("1", "take me along")
        assert (await probe.label_of("1"))["text"] == "take me along"


async def test_a_label_goes_to_the_response_topic_as_well(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    request = {"response_topic": "replies/me", "correlation_data": b"42"}
    async with serving(settings), probing(settings, "replies/#") as probe:
        await probe.send(b'{"id":"1","text":"please answer"}', **request)
        await probe.send(b"garbage", **request)
        await probe.until(lambda: len(probe.on("replies/me")) == 2)
        await probe.until(lambda: probe.labels and probe.rejections)
    answers = probe.on("replies/me")
    assert {answer.payload for answer in answers} == {message.payload for message in probe.on("tweets/+")}
    assert {answer.correlation_data for answer in answers} == {b"42"}


@pytest.mark.parametrize("topic", ["tweets/in", "tweets/polarity", "elsewhere/me"])
async def test_nothing_is_published_to_a_forbidden_response_topic(broker: Mosquitto, topic: str) -> None:
    settings = settings_for(broker.port, broker={"proof_seconds": 0})  # a proof is a message on tweets/in too
    async with serving(settings), probing(settings, "elsewhere/#", "tweets/in") as probe:
        await probe.send(b'{"id":"1","text":"please answer"}', response_topic=topic)
        await probe.label_of("1")
        await probe.tweet("2")
        await probe.label_of("2")
    assert probe.labelled_ids() == ["1", "2"]
    assert len(probe.on("tweets/in")) == 2
    assert not probe.on("elsewhere/me")


async def test_retained_tweets_and_tweets_at_qos_0_are_labelled(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with Connection(settings.broker) as client:
        await client.publish_confirmed("tweets/in", b'{"id":"retained","text":"still here"}', retain=True)
    async with probing(settings) as probe, serving(settings):
        await probe.label_of("retained")
        probe.send_at_qos_0(b'{"id":"qos0","text":"fire and forget"}')
        await probe.label_of("qos0")


async def test_a_retained_tweet_is_not_labelled_again_after_a_restart(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with probing(settings) as probe:
        await probe.send(b'{"id":"retained","text":"still here"}', retain=True)
        for tweet_id in ("first", "second"):
            async with serving(settings):
                await probe.tweet(tweet_id)
                await probe.label_of(tweet_id)
    assert probe.labelled_ids().count("retained") == 1


async def test_the_status_topic_says_online_and_offline(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with probing(settings) as probe:
        async with serving(settings):
            await probe.until(lambda: probe.status == [ONLINE])
        await probe.until(lambda: probe.status == [ONLINE, OFFLINE])


async def test_tweets_sent_while_the_node_is_down_are_labelled_after_its_restart(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings):
        pass
    async with probing(settings) as probe:
        ids = {f"away-{number}" for number in range(50)}
        await probe.tweets(ids)
        async with serving(settings):
            await probe.until(lambda: len(probe.labels) == len(ids))
    assert set(probe.labelled_ids()) == ids


@PROTOCOLS
async def test_a_backlog_longer_than_the_timeout_causes_no_reconnection(
    broker: Mosquitto, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    # In a group, a node looks for the others before it subscribes; the first tweets have been processed by then.
    impatient = {"group": "fleet", "receive_maximum": 2, "timeout_seconds": 0.5}
    settings = settings_for(broker.port, broker={"protocol": protocol} | impatient)
    async with serving(settings):
        pass
    async with probing(settings_for(broker.port)) as probe:
        ids = {f"away-{number}" for number in range(300)}
        await probe.tweets(ids)
        async with serving(settings):
            await probe.until(lambda: set(probe.labelled_ids()) == ids)
    assert len(probe.labels) == len(ids)
    assert "next attempt" not in caplog.text


@PROTOCOLS
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_no_tweet_is_lost_when_the_broker_restarts_under_load(
    broker: Mosquitto, protocol: str, how: signal.Signals
) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    ids = {f"t{number}" for number in range(800)}
    async with serving(settings):
        async with probing(settings, identifier="probe") as probe:
            await probe.tweets(ids)
            await asyncio.to_thread(broker.save)  # a killed Mosquitto loses what it confirmed since it last saved
            await probe.until(lambda: len(probe.labels) >= 40)
        before = set(probe.labelled_ids())
        assert before < ids
        await asyncio.to_thread(broker.stop, how)
        await asyncio.to_thread(broker.start)
        async with probing(settings, identifier="probe") as probe:
            await probe.until(lambda: before | set(probe.labelled_ids()) == ids)
