"""A soak test: a node, a broker that is restarted repeatedly, and a steady load, sampled once per second."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import psutil

from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import settings_for, write_config
from tests.integration.program import Node
from tests.soak.load import LoadPlan, Report
from tests.soak.samples import Sample, sample

_BROKER_OPTIONS = """\
allow_anonymous true
max_inflight_messages 64
"""
_NODE_BROKER = {"wait_at_start": True}
_LONGEST_RESTART_SECONDS = 300.0
_FEWEST_PERIODS = 3
"""Minimum number of periods between restarts of the broker, also in a short soak."""
_LONGEST_SATURATION_SECONDS = 30.0


@dataclass(frozen=True)
class SoakPlan:
    """Parameters of a soak test.

    Attributes:
        seconds: Duration of the steady load.
        share: The steady load, as a ratio of saturation.
        interpreters: Interpreters of the node; None: its own choice.
        tweets: A file of tweets to send instead of the samples.
        model: A bundle to use instead of the shipped one.
    """

    seconds: float
    share: float
    interpreters: int | None = None
    tweets: Path | None = None
    model: Path | None = None

    @property
    def restart_seconds(self) -> float:
        """Time between two restarts of the broker."""
        return min(_LONGEST_RESTART_SECONDS, self.seconds / _FEWEST_PERIODS)

    def for_load(self, port: int) -> LoadPlan:
        """Return the parameters of the load."""
        saturation_seconds = min(_LONGEST_SATURATION_SECONDS, self.seconds / 4)
        return LoadPlan(port, self.seconds, self.share, saturation_seconds, str(self.tweets) if self.tweets else None)


class LoadFailedError(Exception):
    """The load ended early; its reason is on stderr."""


class Soak:
    """A running soak test and its samples.

    Args:
        plan: The parameters.
        broker: The broker.
        node: The node, ready.
        window: Largest number of tweets in flight.
        see: Called with each sample.
    """

    def __init__(
        self, plan: SoakPlan, broker: Mosquitto, node: Node, window: int, see: Callable[[Sample], None]
    ) -> None:
        self.window = window
        self.samples: list[Sample] = []
        self.restarts = 0
        self._plan = plan
        self._broker = broker
        self._node = node
        self._see = see

    async def run(self) -> None:
        """Run the load and take samples until it ends."""
        process = psutil.Process(self._node.pid)
        async with asyncio.TaskGroup() as tasks, contextlib.aclosing(_reports(self._plan, self._broker)) as reports:
            restarting: asyncio.Task[None] | None = None
            async for report in reports:
                if report.phase == "steady" and restarting is None:
                    restarting = tasks.create_task(self._restart_broker(), name="restart-broker")
                seen = await sample(report, self._node, process, self.restarts)
                self.samples.append(seen)
                self._see(seen)

    async def _restart_broker(self) -> None:
        """Restart the broker at the end of each period except the last."""
        for _ in range(round(self._plan.seconds / self._plan.restart_seconds) - 1):
            await asyncio.sleep(self._plan.restart_seconds)
            await asyncio.to_thread(self._broker.stop)
            await asyncio.to_thread(self._broker.start)
            self.restarts += 1


async def run_soak(plan: SoakPlan, folder: Path, see: Callable[[Sample], None] = lambda _: None) -> Soak:
    """Run a soak test.

    Args:
        plan: The parameters.
        folder: An empty folder for the output of the programs.
        see: Called with each sample.
    """
    with Mosquitto(folder, _BROKER_OPTIONS, log_type="error") as broker:
        model = {"path": plan.model, "interpreters": plan.interpreters}
        settings = settings_for(broker.port, broker=_NODE_BROKER, model=model)
        async with Node(write_config(folder, settings, http_port=0), folder / "node.log", anew=True) as node:
            await node.ready()
            soak = Soak(plan, broker, node, settings.broker.receive_maximum, see)
            await soak.run()
            return soak


async def _reports(plan: SoakPlan, broker: Mosquitto) -> AsyncGenerator[Report]:
    """Run the load and yield its reports.

    Raises:
        LoadFailedError: The load failed.
    """
    arguments = orjson.dumps(asdict(plan.for_load(broker.port))).decode()
    command = (sys.executable, "-m", "tests.soak.load", arguments)
    load = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert load.stdout
    try:
        async for line in load.stdout:
            yield Report(**orjson.loads(line))
        if await load.wait():
            raise LoadFailedError(f"the load ended with exit code {load.returncode}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            load.kill()
