"""`starling probe`: whether a node labels, asked through the broker."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker


async def test_a_node_that_labels_is_said_to(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, http_port=0)

    async with serving(settings):
        code, out, err = await finished("probe", "--config", config)

    assert (code, out, err) == (0, f"{settings.node} called a cheerful tweet positive\n", "")


async def test_one_node_of_a_group_is_asked_until_its_turn_comes(broker: Mosquitto, tmp_path: Path) -> None:
    one, other = (settings_for(broker.port, node=name, broker={"group": "two"}) for name in ("one", "other"))
    config = write_config(tmp_path, other, http_port=0)

    async with serving(one), serving(other):
        answers = [await finished("probe", "--config", config) for _ in range(2)]

    assert answers == [(0, "other called a cheerful tweet positive\n", "")] * 2


async def test_a_node_that_is_away_is_said_not_to_label(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), http_port=0)

    code, out, err = await finished("probe", "--config", config, "--seconds", "1")

    assert (code, out) == (69, "")
    assert err.startswith("starling: ")
    assert "labelled none of the tweets" in err


async def test_a_node_of_a_group_is_reached_at_once_on_a_topic_of_its_own(broker: Mosquitto, tmp_path: Path) -> None:
    names = [f"node-{number}" for number in range(6)]
    nodes = [settings_for(broker.port, node=name, broker={"group": "many"}) for name in names]
    async with AsyncExitStack() as stack:
        for settings in nodes:
            await stack.enter_async_context(serving(settings))
        probe = await stack.enter_async_context(probing(nodes[0], "tweets/in"))
        for settings in nodes[:2]:
            assert (await finished("probe", "--config", write_config(tmp_path, settings, http_port=0)))[0] == 0
        await probe.until(lambda: len(probe.labels) >= 2)
    assert {"node-0", "node-1"} <= {label["node"] for label in probe.labels}
