"""Samples of a soak test, one per second: the load's counts and the node's resources."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import psutil

from tests.integration.program import Node, metric
from tests.soak.load import Report


@dataclass(frozen=True)
class Sample(Report):
    """A report of the load with the state of the node at that moment.

    Attributes:
        restarts: How often the broker had been restarted by then.
        rss_bytes: Resident memory of the node.
        anonymous_bytes: The part of it that the node has allocated, without mapped files.
        threads: Threads of the node.
        descriptors: Open files and sockets of the node.
        tasks: Tasks of its event loop that do not process a tweet.
        in_progress: Tweets in progress.
        node_cpu_seconds: CPU time of the node since its start, user and system.
        machine_cpu_seconds: CPU time of all programs on all cores since the start of the machine.
    """

    restarts: int
    rss_bytes: int
    anonymous_bytes: int
    threads: int
    descriptors: int
    tasks: int
    in_progress: int
    node_cpu_seconds: float
    machine_cpu_seconds: float


class NodeEndedError(Exception):
    """The node ended; its log has the reason."""


async def sample(report: Report, node: Node, process: psutil.Process, restarts: int) -> Sample:
    """Sample the node's metrics and its process."""
    exposition = await _exposition(node, process)
    in_progress = int(metric(exposition, "starling_tweets_in_progress"))
    with process.oneshot():
        memory, cpu = process.memory_info(), process.cpu_times()
        return Sample(
            **asdict(report),
            restarts=restarts,
            rss_bytes=memory.rss,
            anonymous_bytes=memory.rss - memory.shared,
            threads=process.num_threads(),
            descriptors=process.num_fds(),
            tasks=int(metric(exposition, "starling_event_loop_tasks")) - in_progress,
            in_progress=in_progress,
            node_cpu_seconds=cpu.user + cpu.system,
            machine_cpu_seconds=_machine_cpu_seconds(),
        )


async def _exposition(node: Node, process: psutil.Process) -> str:
    while process.is_running():
        if exposition := await node.metrics():
            return exposition
    raise NodeEndedError("the node ended before the soak did")


def _machine_cpu_seconds() -> float:
    times = psutil.cpu_times()
    return (
        sum(times) - times.idle - times.iowait - times.guest - times.guest_nice
    )  # guest times are included in user and nice


@contextmanager
def written_to(file: Path) -> Iterator[Callable[[Sample], None]]:
    """Start a CSV file with a column for each attribute of a sample.

    Yields:
        A function that writes a sample immediately, so that an aborted soak leaves its samples.
    """
    with file.open("w", newline="", encoding="utf-8", buffering=1) as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Sample)])
        writer.writeheader()

        def write(one: Sample) -> None:
            writer.writerow(asdict(one))

        yield write


def steady(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples of the steady load."""
    return [one for one in samples if one.phase == "steady"]
