"""`starling leave`: the broker sends no more tweets to a node that was removed."""

from pathlib import Path

import pytest

from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker
IDS = {f"t{number}" for number in range(8)}


@pytest.fixture
def former_node(broker: Mosquitto) -> Settings:
    return settings_for(broker.port, node="gone", broker={"group": "fleet"})


@pytest.fixture
def config(former_node: Settings, tmp_path: Path) -> Path:
    return write_config(tmp_path, former_node, http_port=0)


async def run_and_stop(node: Settings) -> None:
    """Run and stop a node; as the last of its group it keeps its session in the broker."""
    async with serving(node):
        pass


async def test_tweets_sent_after_a_node_has_left_are_labelled_by_the_others(
    broker: Mosquitto, former_node: Settings, config: Path
) -> None:
    staying = settings_for(broker.port, node="staying", broker={"group": "fleet"})
    await run_and_stop(former_node)

    assert await finished("leave", "--config", config, anew=True) == (0, "the broker has forgotten gone\n", "")

    async with serving(staying), probing(staying) as probe:
        await probe.tweets(IDS)
        await probe.until(lambda: set(probe.labelled_ids()) == IDS)


async def test_leave_fails_while_tweets_wait_for_the_node(former_node: Settings, config: Path) -> None:
    await run_and_stop(former_node)
    async with probing(former_node) as probe:
        await probe.tweets(IDS)

        code, _, complaint = await finished("leave", "--config", config)
        assert (code, "the broker keeps 8 tweets or more for gone" in complaint) == (69, True)

        async with serving(former_node):
            await probe.until(lambda: set(probe.labelled_ids()) == IDS)
        assert (await finished("leave", "--config", config))[0] == 0


async def test_a_node_still_receives_tweets_after_leave_failed(former_node: Settings, config: Path) -> None:
    await run_and_stop(former_node)
    async with probing(former_node) as probe:
        await probe.tweet("before")
        assert (await finished("leave", "--config", config))[0] == 69
        await probe.tweet("after")

        async with serving(former_node):
            await probe.label_of("after")


async def test_leave_with_discard_drops_the_waiting_tweets(former_node: Settings, config: Path) -> None:
    await run_and_stop(former_node)
    async with probing(former_node) as probe:
        await probe.tweets(IDS)

        assert (await finished("leave", "--discard", "--config", config))[0] == 0

        async with serving(former_node):
            await probe.tweet("later")
            await probe.label_of("later")
        assert probe.labelled_ids() == ["later"]


async def test_leave_refuses_a_running_node(former_node: Settings, config: Path) -> None:
    async with serving(former_node), probing(former_node) as probe:
        code, _, complaint = await finished("leave", "--config", config)
        await probe.tweet("1")
        await probe.label_of("1")

    assert (code, complaint) == (69, "starling: gone is online: stop it first\n")


async def test_leave_accepts_a_node_that_never_existed(config: Path) -> None:
    assert (await finished("leave", "--config", config))[0] == 0
