"""A trial: one fault, one version of MQTT, and whether the promises held."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.errors import leaves
from tests.chaos.faults import Fault
from tests.chaos.rig import Plan, Rig, rig

_LONGEST_SECONDS = 180.0
_MOST_GROWTH_BYTES = 48 << 20
"""More memory than this means that something piles up in the node: all tweets of a trial together are more."""


@dataclass(frozen=True)
class Outcome:
    """What was counted in a trial."""

    fault: str
    protocol: str
    complete: bool
    """Whether the trial came to its end; if not, something that was waited for did not happen."""
    tweets: int
    lost: int
    repeated: int
    may_repeat: int
    most_labels: int
    """The most that any one tweet got."""
    most_held: int
    window: int
    memory_growth_bytes: float
    recovery_seconds: float | None
    """The longest time from the end of a fault to the next tweet that was classified; None where nothing stopped."""

    def broken_promises(self) -> list[str]:
        """What should not have been."""
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
    """Let a fault loose while tweets come in, waits until all are accounted for, and count.

    Args:
        fault: The fault.
        protocol: The version of MQTT.
        tweets: How many.
        seed: What the dice begin with.
        folder: An empty folder for what the programs write.
        model: The model bundle.
    """
    with _one_cause(), _disk(folder, fault.disk_bytes) as disk:
        plan = Plan(folder, disk, model, protocol, tweets, fault.padding_bytes, f"{seed} {fault.name} {protocol}")
        async with rig(plan) as built:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS), asyncio.TaskGroup() as tasks:
                    tasks.create_task(built.publish(), name="publish")
                    await fault.strike(built)
                    await built.finished()
                complete = True
            except* TimeoutError:  # what has not come by now is lost
                complete = False
            return _counted(fault, protocol, built, complete=complete)


def _counted(fault: Fault, protocol: str, built: Rig, *, complete: bool) -> Outcome:
    books, watch = built.books, built.watch
    return Outcome(
        fault=fault.name,
        protocol=protocol,
        complete=complete,
        tweets=len(built.ids),
        lost=len(books.lost(built.ids)),
        repeated=len(books.repeated(built.ids)),
        may_repeat=built.may_repeat(),
        most_labels=max(books.results[tweet_id] for tweet_id in built.ids),
        most_held=watch.most_held,
        window=built.window,
        memory_growth_bytes=watch.most_memory_bytes - watch.first_memory_bytes,
        recovery_seconds=max(books.recoveries_seconds, default=None),
    )


@contextlib.contextmanager
def _one_cause() -> Iterator[None]:
    """Raise the first thing that went wrong, out of the groups that it is wrapped in."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise next(leaves(group)) from None


class NoSmallDiskError(Exception):
    """This user may not mount."""


@contextlib.contextmanager
def _disk(folder: Path, size_bytes: int | None) -> Iterator[Path]:
    """Give a broker a place to save, and only so much of it where a size is given.

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
