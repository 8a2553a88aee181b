"""Labels about entities through a real broker, and the commands that deal with them."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import orjson
import pytest

from stream.errors import BrokerError
from stream.free_port import free_port
from stream.mqtt.connection import Connection
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished, reread, started, until_ready
from tests.unit.tiny_bundle import write_pair_bundle

ACME, GLOBEX = {"name": "Acme", "topic": "reputation/acme"}, {"name": "Globex"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose model reads an entity."""
    return write_pair_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.broker
async def test_a_tweet_that_mentions_two_entities_gets_a_label_for_each(broker: Mosquitto, bundle: Path) -> None:
    settings = settings_for(broker.port, model={"path": bundle}, entities=[ACME, GLOBEX])
    async with serving(settings), probing(settings, "reputation/#") as probe:
        await probe.tweet("1", "Acme train or @Globex train?")
        await probe.tweet("2", "the train")
        await probe.until(lambda: len(probe.labels) == 3 and probe.on("reputation/#"))
    labels = {(label["id"], label.get("entity")): label["polarity"] for label in probe.labels}
    assert labels == {("1", "Acme"): "positive", ("1", "Globex"): "negative", ("2", None): "neutral"}
    (copy,) = probe.on("reputation/acme")
    assert orjson.loads(copy.payload) in probe.labels


@pytest.mark.broker
async def test_all_labels_of_a_tweet_come_again_after_a_lost_connection(
    broker: Mosquitto, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after the first of a tweet's two labels."""
    publish = Connection.publish_confirmed
    lost = asyncio.Event()

    async def losing(self: Connection, topic: str, payload: bytes, **options: object) -> None:
        if b'"Globex"' in payload and not lost.is_set():
            lost.set()
            raise BrokerError("lost between two labels")
        await publish(self, topic, payload, **options)  # type: ignore[arg-type]  # options of the original

    settings = settings_for(broker.port, model={"path": bundle}, entities=[ACME, GLOBEX])
    async with serving(settings), probing(settings) as probe:
        monkeypatch.setattr(Connection, "publish_confirmed", losing)
        await probe.tweet("1", "Acme and Globex")
        await probe.until(lambda: {label["entity"] for label in probe.labels} == {"Acme", "Globex"})
        await probe.tweet("2")
        await probe.label_of("2")
    assert lost.is_set()
    counts = Counter((label["id"], label.get("entity")) for label in probe.labels)
    assert counts == {("1", "Acme"): 2, ("1", "Globex"): 1, ("2", None): 1}
    acme = [label for label in probe.labels if label.get("entity") == "Acme"]
    assert acme[0] == acme[1]


@pytest.mark.broker
async def test_a_hangup_signal_makes_the_program_read_the_entities_again(
    broker: Mosquitto, bundle: Path, tmp_path: Path
) -> None:
    settings, http_port = settings_for(broker.port, model={"path": bundle}), free_port()
    config = write_config(tmp_path, settings, http_port)
    without = config.read_text()
    async with started("run", "--config", config) as process, probing(settings) as probe:
        await until_ready(http_port)
        for number, entity in enumerate(("Acme", "Globex")):
            config.write_text(f'{without}\n[[entities]]\nname = "{entity}"\n')
            await reread(process)
            await probe.tweet(str(number), "Acme and Globex")
            label = await probe.label_of(str(number))
            assert label["entity"] == entity
        config.write_text(f'{without}\n[[entities]]\nname = ""\n')
        await reread(process, "the settings are not changed: entities.0.name")
        await probe.tweet("last", "Acme and Globex")
        assert (await probe.label_of("last"))["entity"] == "Globex"


async def test_classify_takes_entities_of_the_rows_and_of_the_command_line(bundle: Path) -> None:
    rows = b'id,text,entity\n1,train,Globex\n2,train,\n3,train,"Unknown Inc"\n'
    code, out, _ = await finished("classify", "--model", bundle, "--entity", "Acme", stdin=rows)
    labels = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(label["entity"], label["polarity"], label["entity_used"]) for label in labels] == [
        ("Globex", "negative", True),
        ("Acme", "positive", True),
        ("Unknown Inc", "neutral", True),
    ]


@pytest.mark.parametrize("name", ["", "  ", "e" * 257])
async def test_classify_refuses_an_entity_that_is_no_name(name: str) -> None:
    code, _, err = await finished("classify", "--entity", name)
    assert code == 2
    assert "a name has 1 to 256 characters" in err


@pytest.mark.broker
async def test_watch_shows_the_labels_of_one_entity(broker: Mosquitto, bundle: Path, tmp_path: Path) -> None:
    settings = settings_for(broker.port, model={"path": bundle}, entities=[ACME, GLOBEX])
    config = write_config(tmp_path, settings_for(broker.port), 0)
    async with (
        serving(settings),
        started("watch", "--config", config, "--count", "1", "--entity", "globex") as watching,
        probing(settings) as probe,
    ):
        assert watching.stdout
        assert await watching.stdout.readline() == b"node test is online\n"
        await probe.tweet("1", "Acme and Globex")
        lines = (await watching.stdout.read()).decode().splitlines()
        assert await watching.wait() == 0
    assert [line.split()[0::2] for line in lines] == [["negative", "1"]]
    assert lines[0].endswith("Globex")
