"""A trial: one fault with one version of MQTT, and a check of the promises."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.errors import leaves
from tests.chaos.environment import Environment, Plan, running_environment
from tests.chaos.faults import Fault

_LONGEST_SECONDS = 180.0
_MOST_GROWTH_BYTES = 48 << 20
"""Limit of the node's growth in memory. All tweets of a trial together are larger."""


@dataclass(frozen=True)
class Outcome:
    """Counts and measurements of a trial."""

    fault: str
    protocol: str
    complete: bool
    """False if the trial ended at its time limit, because an awaited event did not happen."""
    tweets: int
    lost: int
    repeated: int
    may_repeat: int
    most_labels: int
    """Largest number of results of one tweet."""
    most_held: int
    window: int
    memory_growth_bytes: float
    recovery_seconds: float | None
    """Longest time from the end of a fault to the next classified tweet; None if the node was not interrupted."""

    def broken_promises(self) -> list[str]:
        """List the broken promises, a sentence each."""
        broken = {
            "the trial did not come to its end": not self.complete,
            f"{self.lost} tweets were lost": self.lost > 0,
            f"{self.repeated} tweets came more than once, not {self.may_repeat} at most": self.repeated
            > self.may_repeat,
            f"the node held {self.most_held} tweets, not {self.window} at most": self.most_held > self.window,
            f"the node grew by {self.memory_growth_bytes / 1e6:.0f} MB": self.memory_growth_bytes > _MOST_GROWTH_BYTES,
        }
        return [sentence for sentence, holds in broken.items() if holds]


async def run_trial(fault: Fault, protocol: str, tweets: int, seed: int, folder: Path, model: Path) -> Outcome:
    """Inject a fault while tweets arrive, wait until all have results, and count.

    Args:
        fault: The fault.
        protocol: Version of MQTT.
        tweets: Number of tweets.
        seed: Seed of all random choices.
        folder: Empty folder for the files of the programs.
        model: The model bundle.
    """
    with _one_cause(), _disk(folder, fault.disk_bytes) as disk:
        plan = Plan(folder, disk, model, protocol, tweets, fault.padding_bytes, f"{seed} {fault.name} {protocol}")
        async with running_environment(plan) as environment:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS), asyncio.TaskGroup() as tasks:
                    tasks.create_task(environment.publish(), name="publish")
                    await fault.inject(environment)
                    await environment.finished()
                complete = True
            except* TimeoutError:  # results that are still missing are lost
                complete = False
            return _counted(fault, protocol, environment, complete=complete)


def _counted(fault: Fault, protocol: str, environment: Environment, *, complete: bool) -> Outcome:
    counter, watch = environment.counter, environment.watch
    return Outcome(
        fault=fault.name,
        protocol=protocol,
        complete=complete,
        tweets=len(environment.ids),
        lost=len(counter.lost(environment.ids)),
        repeated=len(counter.repeated(environment.ids)),
        may_repeat=environment.may_repeat(),
        most_labels=max(counter.results[tweet_id] for tweet_id in environment.ids),
        most_held=watch.most_held,
        window=environment.window,
        memory_growth_bytes=watch.most_memory_bytes - watch.first_memory_bytes,
        recovery_seconds=max(counter.recoveries_seconds, default=None),
    )


@contextlib.contextmanager
def _one_cause() -> Iterator[None]:
    """Raise the first exception of an exception group, without the group."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise next(leaves(group)) from None


class NoSmallDiskError(Exception):
    """This user may not mount a file system."""


@contextlib.contextmanager
def _disk(folder: Path, size_bytes: int | None) -> Iterator[Path]:
    """Provide a folder for the broker to save to, with a limited size if one is given.

    Raises:
        NoSmallDiskError: Only root can make a small disk.
    """
    if size_bytes is None:
        yield folder
        return
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},uid={os.getuid()}", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise NoSmallDiskError(f"no small disk for the broker: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
