"""A soak: a node, a broker that is restarted again and again, a steady load, and a look at them once a second."""

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
"""In a short soak the broker is restarted often enough to part it into so many."""
_LONGEST_SATURATION_SECONDS = 30.0


@dataclass(frozen=True)
class SoakPlan:
    """What a soak is to be.

    Attributes:
        seconds: How long the steady load lasts.
        share: The steady load, as a ratio of saturation.
        interpreters: How many the node has; None: as many as it would take by itself.
        tweets: A file of tweets to send in place of the samples.
        model: A bundle in place of the shipped one.
    """

    seconds: float
    share: float
    interpreters: int | None = None
    tweets: Path | None = None
    model: Path | None = None

    @property
    def restart_seconds(self) -> float:
        """How long the broker is left alone."""
        return min(_LONGEST_RESTART_SECONDS, self.seconds / _FEWEST_PERIODS)

    def for_load(self, port: int) -> LoadPlan:
        """The load's part of it."""
        saturation_seconds = min(_LONGEST_SATURATION_SECONDS, self.seconds / 4)
        return LoadPlan(port, self.seconds, self.share, saturation_seconds, str(self.tweets) if self.tweets else None)


class LoadFailedError(Exception):
    """The load ended before it should, having said why on stderr."""


class Soak:
    """What runs, and what was seen of it.

    Args:
        plan: What it is to be.
        broker: The broker.
        node: The node, ready.
        window: How many tweets it may hold.
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
        """Let the load loose and watches, until it is over."""
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
        """Restart it at the end of each period but the last."""
        for _ in range(round(self._plan.seconds / self._plan.restart_seconds) - 1):
            await asyncio.sleep(self._plan.restart_seconds)
            await asyncio.to_thread(self._broker.stop)
            await asyncio.to_thread(self._broker.start)
            self.restarts += 1


async def run_soak(plan: SoakPlan, folder: Path, see: Callable[[Sample], None] = lambda _: None) -> Soak:
    """Run a soak from its beginning to its end.

    Args:
        plan: What it is to be.
        folder: An empty folder for what the programs write.
        see: Called with each sample.
    """
    with Mosquitto(folder, _BROKER_OPTIONS, log_type="error") as broker:
        model = {"path": plan.model, "interpreters": plan.interpreters}
        settings = settings_for(broker.port, broker=_NODE_BROKER, model=model)
        async with Node(write_config(folder, settings, http_port=0), folder / "node.log") as node:
            await node.ready()
            soak = Soak(plan, broker, node, settings.broker.receive_maximum, see)
            await soak.run()
            return soak


async def _reports(plan: SoakPlan, broker: Mosquitto) -> AsyncGenerator[Report]:
    """Run the load; yields what it says.

    Raises:
        LoadFailedError: It failed.
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
