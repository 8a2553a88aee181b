"""A roll-out to the simulated nodes, in the steps of Ansible's role and with the real `starling gate`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.simulated_fleet.nodes import NodeFailedError, SimulatedNode
from tests.simulated_fleet.processes import ended, start
from tests.simulated_fleet.releases import Release, run_command
from tests.simulated_fleet.role import Plan


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of a batch.

    Args:
        nodes: Names of its nodes.
        failures: Reason of each node that failed, by its name.
        seconds: Duration.
    """

    nodes: Sequence[str]
    failures: Mapping[str, str]
    seconds: float


class RollOut:
    """A roll-out of a release to all nodes, batch by batch until one fails.

    Args:
        nodes: All nodes, in the order of the inventory.
        plan: Batches, and options of the gate.
    """

    def __init__(self, nodes: Sequence[SimulatedNode], plan: Plan) -> None:
        self._nodes = nodes
        self._plan = plan
        self._slots = asyncio.Semaphore(plan.at_once)

    async def run(self, releases: Callable[[str], Release]) -> list[Batch]:
        """Roll out; returns the results of the batches that were begun.

        Args:
            releases: Returns the release that a node gets.
        """
        done: list[Batch] = []
        for places in self._plan.split(len(self._nodes)):
            done.append(await self._batch([self._nodes[place] for place in places], releases))
            if done[-1].failures:
                break
        return done

    async def _batch(self, batch: Sequence[SimulatedNode], releases: Callable[[str], Release]) -> Batch:
        """Switch the nodes of a batch; if one fails, all of them get their former release again."""
        began, failures = time.monotonic(), {}
        peers = [node for node in self._nodes if node not in batch][: self._plan.peers]
        former = {node.name: node.release for node in batch}

        async def on_each(step: Callable[[SimulatedNode], Awaitable[object]]) -> None:
            """Do a step on each node that has not failed, as Ansible does before the next step."""
            working = [node for node in batch if node.name not in failures]
            results = await asyncio.gather(*(self._in_turn(step, node) for node in working), return_exceptions=True)
            for node, result in zip(working, results, strict=True):
                if isinstance(result, NodeFailedError):
                    failures[node.name] = str(result)
                elif isinstance(result, BaseException):
                    raise result

        await on_each(lambda node: self._gate(node, "before", self._plan.before, peers))
        await on_each(lambda node: node.switch(releases(node.name)))
        await on_each(lambda node: node.ready(self._plan.ready_seconds))
        await on_each(lambda node: self._gate(node, "after", self._plan.after, peers))
        if failures:
            await asyncio.gather(*(self._roll_back(node, former[node.name]) for node in batch))
        return Batch([node.name for node in batch], failures, time.monotonic() - began)

    async def _in_turn(self, step: Callable[[SimulatedNode], Awaitable[object]], node: SimulatedNode) -> None:
        async with self._slots:
            await step(node)

    async def _roll_back(self, node: SimulatedNode, former: Release) -> None:
        async with self._slots:
            await node.switch(former)
            await node.ready(self._plan.ready_seconds)

    async def _gate(
        self, node: SimulatedNode, half: str, options: Sequence[str], peers: Sequence[SimulatedNode]
    ) -> None:
        """Run a half of `starling gate` in a process of its own.

        Raises:
            NodeFailedError: It complains.
        """
        file, log = node.folder / "before.json", node.folder / f"gate-{half}.log"
        log.unlink(missing_ok=True)
        given = [str(file), "--config", str(node.config), *options, *(f"--peer={peer.url}" for peer in peers)]
        process = start(run_command, ("gate", half, *given), log)
        await ended(process)
        if process.exitcode:
            lines = log.read_text(encoding="utf-8").splitlines()
            worse = [line.removeprefix("worse: ") for line in lines if line.startswith("worse: ")]
            raise NodeFailedError("; ".join(worse or lines))
