"""What is written down once a second of a soak: the load's counts, and what the node uses."""

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
    """A report of the load, and beside it the node as it was at that moment.

    Attributes:
        restarts: How often the broker had been restarted by then.
        rss_bytes: The node's resident memory.
        anonymous_bytes: That part of it which is no file's: what the node has allocated.
        threads: The node's.
        descriptors: Its open files and sockets.
        tasks: Those of its event loop that carry no tweet.
        in_progress: Tweets that it holds.
        node_cpu_seconds: What it has used of the processor since its start, in user and system mode.
        machine_cpu_seconds: What all programs have used of all cores since the machine's start.
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
    """The node is no more; its log says why."""


async def sample(report: Report, node: Node, process: psutil.Process, restarts: int) -> Sample:
    """Look at the node, from within by its metrics and from without by its process."""
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
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice  # a guest's are in user and nice too


@contextmanager
def written_to(file: Path) -> Iterator[Callable[[Sample], None]]:
    """Begin a CSV file with a column for each attribute of a sample.

    Yields:
        What writes a sample to it, at once: a soak that does not come to its end leaves what was seen until then.
    """
    with file.open("w", newline="", encoding="utf-8", buffering=1) as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(Sample)])
        writer.writeheader()

        def write(one: Sample) -> None:
            writer.writerow(asdict(one))

        yield write


def steady(samples: Sequence[Sample]) -> list[Sample]:
    """Those of the steady load."""
    return [one for one in samples if one.phase == "steady"]
