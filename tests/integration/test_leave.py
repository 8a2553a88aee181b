"""`starling leave`: a node that will not come back is dealt no more tweets."""

from pathlib import Path

import pytest

from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker
IDS = {f"t{number}" for number in range(8)}


@pytest.fixture
def gone(broker: Mosquitto) -> Settings:
    return settings_for(broker.port, node="gone", broker={"group": "fleet"})


@pytest.fixture
def config(gone: Settings, tmp_path: Path) -> Path:
    return write_config(tmp_path, gone, http_port=0)


async def was_there(node: Settings) -> None:
    """Have a node run and stop; as the last of its group it leaves its session with the broker."""
    async with serving(node):
        pass


async def test_what_comes_after_a_node_has_left_goes_to_the_others(
    broker: Mosquitto, gone: Settings, config: Path
) -> None:
    staying = settings_for(broker.port, node="staying", broker={"group": "fleet"})
    await was_there(gone)

    assert await finished("leave", "--config", config) == (0, "the broker has forgotten gone\n", "")

    async with serving(staying), probing(staying) as probe:
        await probe.tweets(IDS)
        await probe.until(lambda: set(probe.labelled_ids()) == IDS)


async def test_tweets_that_wait_for_a_node_are_kept_until_it_has_labelled_them(gone: Settings, config: Path) -> None:
    await was_there(gone)
    async with probing(gone) as probe:
        await probe.tweets(IDS)

        code, _, complaint = await finished("leave", "--config", config)
        assert (code, "the broker keeps 8 tweets or more for gone" in complaint) == (69, True)

        async with serving(gone):
            await probe.until(lambda: set(probe.labelled_ids()) == IDS)
        assert (await finished("leave", "--config", config))[0] == 0


async def test_a_node_that_may_not_leave_yet_goes_on_being_dealt_tweets(gone: Settings, config: Path) -> None:
    await was_there(gone)
    async with probing(gone) as probe:
        await probe.tweet("before")
        assert (await finished("leave", "--config", config))[0] == 69
        await probe.tweet("after")

        async with serving(gone):
            await probe.label_of("after")


async def test_tweets_that_wait_for_a_node_are_dropped_where_that_is_wanted(gone: Settings, config: Path) -> None:
    await was_there(gone)
    async with probing(gone) as probe:
        await probe.tweets(IDS)

        assert (await finished("leave", "--discard", "--config", config))[0] == 0

        async with serving(gone):
            await probe.tweet("later")
            await probe.label_of("later")
        assert probe.labelled_ids() == ["later"]


async def test_a_node_that_runs_is_left_alone(gone: Settings, config: Path) -> None:
    async with serving(gone), probing(gone) as probe:
        code, _, complaint = await finished("leave", "--config", config)
        await probe.tweet("1")
        await probe.label_of("1")

    assert (code, complaint) == (69, "starling: gone is online: stop it first\n")


async def test_a_node_that_never_was_there_is_no_error(config: Path) -> None:
    assert (await finished("leave", "--config", config))[0] == 0
