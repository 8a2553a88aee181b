"""The two child processes of a run: the monitor and the worker. Both end when their parent does."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Protocol, TypeVar

from stream.errors import InputError
from stream.experiment import monitor
from stream.experiment.monitor import Numbers
from stream.experiment.worker import Finished, Job
from stream.processes.child import Child, module_command

_END_SECONDS = 5.0
_POLL_SECONDS = 0.02
LABELLING = "labelling"
"""The phase of a run in which tweets are labelled."""

Answer = TypeVar("Answer")


class Progress(Protocol):
    """Receiver of a run's progress."""

    def phase(self, name: str, total: float) -> None:
        """Start a phase of `total` tweets or seconds; 0 if the total is unknown."""

    def done(self, completed: float) -> None:
        """Report how much of the phase is completed."""


class Watcher:
    """The monitor's process."""

    def __init__(self, process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
        self._process = process
        self._output = output

    def watch(self, process_id: int) -> None:
        """Sample this process from now on."""
        _stdin(self._process).write(f"{process_id}\n".encode())

    def samples(self) -> Iterator[Numbers]:
        """Yield the samples so far, in the order of monitor.COLUMNS."""
        # Opened again for an offset of its own: the file's offset is shared with the monitor, which still writes there.
        with Path("/proc/self/fd", str(self._output.fileno())).open("rb") as output:
            yield from monitor.parse(output)


@asynccontextmanager
async def watching(samples_per_second: float) -> AsyncIterator[Watcher]:
    """Run the monitor while the context is open. It writes to a file, so that no process wakes up for a sample."""
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *module_command("stream.experiment.monitor", str(samples_per_second)),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            start_new_session=True,  # Ctrl-C interrupts the parent, which ends its children
        )
        try:
            await _first_sample(process, output)
            yield Watcher(process, output)
        finally:
            await _end(process)


async def _first_sample(process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
    """Wait until the monitor samples, so that the phase before the tweets is covered from its beginning."""
    while not os.fstat(output.fileno()).st_size:
        if process.returncode is not None:
            raise RuntimeError(f"the monitor ended with status {process.returncode} before its first sample")
        await asyncio.sleep(_POLL_SECONDS)


class Worker:
    """The process that runs the model.

    Args:
        child: The started process.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self.process_id = child.pid

    async def work(self, job: Job, progress: Progress) -> Finished:
        """Run a job.

        Args:
            job: The job.
            progress: Receives the number of labelled tweets about twice a second.

        Raises:
            InputError: The job cannot be done.
        """
        self._child.tell(job.model_dump(mode="json"))
        while True:
            match await self._in_thread(self._child.answer):
                case {"loaded": {"tweets": int(tweets)}}:
                    progress.phase(LABELLING, tweets)
                case {"done": int(number)}:
                    progress.done(number)
                case {"finished": finished}:
                    return Finished.model_validate(finished)

    async def _in_thread(self, answer: Callable[[], Answer]) -> Answer:
        """Wait for an answer in a thread; kill the process if cancelled, so that the thread ends too."""
        waiting = asyncio.ensure_future(asyncio.to_thread(answer))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self._child.kill()
            await asyncio.wait([waiting])
            raise


@asynccontextmanager
async def worker(name: str) -> AsyncIterator[Worker]:
    """Run a worker while the context is open.

    Args:
        name: Its name in error messages.
    """
    child = Child(
        name,
        module_command("stream.experiment.worker"),
        environment={"TF_CPP_MIN_LOG_LEVEL": "3"},
        error_type=InputError,
    )
    child.start()
    try:
        yield Worker(child)
    finally:
        await asyncio.to_thread(child.end)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close stdin, which ends the monitor; kill it if it does not end in time."""
    _stdin(process).close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
            return
    process.kill()
    await process.wait()


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise RuntimeError("the process was started without a pipe to write to")
    return process.stdin
