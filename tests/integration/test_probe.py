"""`starling probe`: a check, through the broker, that a node labels tweets."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker


async def test_probe_reports_a_node_that_labels(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, http_port=0)

    async with serving(settings):
        code, out, err = await finished("probe", "--config", config)

    assert (code, out, err) == (0, f"{settings.node} called a cheerful tweet positive\n", "")


async def test_probe_reaches_the_named_node_of_a_group(broker: Mosquitto, tmp_path: Path) -> None:
    one, other = (settings_for(broker.port, node=name, broker={"group": "two"}) for name in ("one", "other"))
    config = write_config(tmp_path, other, http_port=0)

    async with serving(one), serving(other):
        answers = [await finished("probe", "--config", config) for _ in range(2)]

    assert answers == [(0, "other called a cheerful tweet positive\n", "")] * 2


async def test_probe_reports_that_an_offline_node_does_not_label(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), http_port=0)

    code, out, err = await finished("probe", "--config", config, "--seconds", "1")

    assert (code, out) == (69, "")
    assert err.startswith("starling: ")
    assert "labelled none of the tweets" in err


async def test_probe_reaches_a_node_of_a_large_group_on_the_nodes_own_topic(broker: Mosquitto, tmp_path: Path) -> None:
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
