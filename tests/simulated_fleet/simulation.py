"""The simulation: nodes, broker, tweets and two roll-outs, of a release with faults and of one without."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import settings_for
from tests.simulated_fleet.nodes import SimulatedNode
from tests.simulated_fleet.releases import Fault, Release
from tests.simulated_fleet.role import Plan
from tests.simulated_fleet.rollout import Batch, RollOut
from tests.simulated_fleet.tweets import Account, publishing
from tests.unit.tiny_bundle import write_bundle

_START_SECONDS = 600.0
_MOST_WAIT_SECONDS = 120.0
"""Time for the last tweets, after which those without a result are lost."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a simulation.

    Args:
        nodes: Number of nodes.
        tweets_per_second: Tweets per second of each node.
        inference_seconds: Time of an inference per tweet.
        faults: Fault of the first release on some nodes, by the nodes' names.
        tweets_before: Tweets per node before the first roll-out, which are the nodes' past.
    """

    nodes: int
    tweets_per_second: float
    inference_seconds: float
    faults: Mapping[str, Fault]
    tweets_before: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """The results of a simulation.

    Args:
        bad: Batches of the roll-out with faults.
        releases_after_bad: Release of each node after it, by the node's name.
        good: Batches of the roll-out without faults.
        releases_after_good: Release of each node after it.
        account: The tweets.
    """

    bad: Sequence[Batch]
    releases_after_bad: Mapping[str, str]
    good: Sequence[Batch]
    releases_after_good: Mapping[str, str]
    account: Account


def names(nodes: int) -> list[str]:
    """Return the names of the nodes."""
    return [f"pi-{number:02d}" for number in range(1, nodes + 1)]


async def simulate(folder: Path, scale: Scale, plan: Plan) -> Simulated:
    """Run a simulation.

    Args:
        folder: Folder of all files.
        scale: Its size.
        plan: Batches, and options of the gate.
    """
    old, new, repaired = (Release(name, scale.inference_seconds) for name in ("1.0.0", "1.1.0", "1.1.1"))

    def faulty(node: str) -> Release:
        return Release(new.name, new.seconds, scale.faults.get(node, "none"))

    async with _fleet(folder, scale, old) as (nodes, account):
        roll_out = RollOut(nodes, plan)
        bad = await roll_out.run(faulty)
        after_bad = _releases(nodes)
        good = await roll_out.run(lambda _: repaired)
    return Simulated(bad, after_bad, good, _releases(nodes), account)


def _releases(nodes: Sequence[SimulatedNode]) -> dict[str, str]:
    return {node.name: node.release.name for node in nodes}


@contextlib.asynccontextmanager
async def _fleet(folder: Path, scale: Scale, release: Release) -> AsyncIterator[tuple[list[SimulatedNode], Account]]:
    """Run nodes with tweets; at the end all tweets that were published have results."""
    bundle = write_bundle(folder / "bundle")
    async with contextlib.AsyncExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder, "allow_anonymous true", log_type="error"))
        nodes = [SimulatedNode(name, folder, broker.port, bundle, release) for name in names(scale.nodes)]
        for node in nodes:
            await stack.enter_async_context(node)
        for node in nodes:
            await node.ready(_START_SECONDS)
        rate = scale.nodes * scale.tweets_per_second
        async with publishing(settings_for(broker.port), rate) as account:
            await account.until_labelled(scale.nodes * scale.tweets_before)
            yield nodes, account
            account.stop.set()
            await account.until_all_have_results(_MOST_WAIT_SECONDS)
