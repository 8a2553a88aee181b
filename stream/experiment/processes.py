"""The two processes beside us in a run: the one that watches and the one that works. Both end when we do."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import IO, Any, Protocol

import orjson

from stream.errors import InputError
from stream.experiment import monitor
from stream.experiment.monitor import Numbers
from stream.experiment.worker import Finished, Job

_MOST_LINE_BYTES = 1 << 30
"""A worker tells all its tweets in one line: some 60 bytes for each."""
_END_SECONDS = 5.0
_LOOK_SECONDS = 0.02
LABELLING = "labelling"
"""The part of a run that takes its time."""


class Progress(Protocol):
    """Who is told how far a run is."""

    def phase(self, name: str, total: float) -> None:
        """A part of it begins, of so many tweets or seconds; 0 where nobody knows."""

    def done(self, completed: float) -> None:
        """So much of the part is done."""


class Watcher:
    """The monitor's process."""

    def __init__(self, process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
        self._process = process
        self._output = output

    def watch(self, process_id: int) -> None:
        """Tell of this process from now on."""
        _stdin(self._process).write(f"{process_id}\n".encode())

    def samples(self) -> Iterator[Numbers]:
        """What was sampled so far, in the order of monitor.COLUMNS."""
        self._output.seek(0)
        return monitor.parse(self._output)


@asynccontextmanager
async def watching(samples_per_second: float) -> AsyncIterator[Watcher]:
    """Run the monitor as long as the context lasts. It writes to a file, so that nobody wakes up for a sample."""
    with tempfile.TemporaryFile() as output:
        process = await _start("stream.experiment.monitor", str(samples_per_second), stdout=output)
        try:
            await _first_sample(process, output)
            yield Watcher(process, output)
        finally:
            await _end(process)


async def _first_sample(process: asyncio.subprocess.Process, output: IO[bytes]) -> None:
    """Wait until the monitor is at work, lest the stretch before the tweets begin without it."""
    while not os.fstat(output.fileno()).st_size:
        if process.returncode is not None:
            raise RuntimeError(f"the monitor ended with status {process.returncode} before its first sample")
        await asyncio.sleep(_LOOK_SECONDS)


class Worker:
    """The process that has the model."""

    def __init__(self, process: asyncio.subprocess.Process, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self.process_id = process.pid

    async def work(self, job: Job, progress: Progress) -> Finished:
        """Have a job done.

        Args:
            job: What to do.
            progress: Told now and then how many tweets are done.

        Raises:
            InputError: The job cannot be done; says why.
        """
        stdin, stdout = _stdin(self._process), self._process.stdout
        if stdout is None:
            raise RuntimeError("the worker was started without a pipe to read from")
        stdin.write(job.model_dump_json().encode() + b"\n")
        async for line in stdout:
            match orjson.loads(line):
                case {"loaded": {"tweets": int(tweets)}}:
                    progress.phase(LABELLING, tweets)
                case {"done": int(number)}:
                    progress.done(number)
                case {"finished": finished}:
                    return Finished.model_validate(finished)
                case {"failed": {"message": str(message)}}:
                    raise InputError(message)
        raise InputError(f"{job.path}: {await self._last_words()}")

    async def _last_words(self) -> str:
        """Why a worker ended that did not say so: its traceback's last line, or the signal that killed it."""
        status = await self._process.wait()
        if status < 0:
            return f"the process that ran it was killed by signal {-status}; is there enough memory?"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the process that ran it ended with status {status}"


@asynccontextmanager
async def worker() -> AsyncIterator[Worker]:
    """Run a worker as long as the context lasts."""
    with tempfile.TemporaryFile() as errors:  # inference engines are talkative, and a progress bar is on stderr
        process = await _start("stream.experiment.worker", stdout=asyncio.subprocess.PIPE, stderr=errors)
        try:
            yield Worker(process, errors)
        finally:
            await _end(process)


async def _start(
    module: str, *arguments: str, stdout: int | IO[Any], stderr: IO[Any] | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        limit=_MOST_LINE_BYTES,
        start_new_session=True,  # Ctrl-C is for us; we end them
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close stdin, which ends both kinds, and make sure."""
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
