"""`starling` in a forked process, with what the tests need of asyncio's interface to processes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.fork_server import fork

PIPE = asyncio.subprocess.PIPE


class _Pipe(asyncio.StreamReaderProtocol):
    """Our end of a pipe, and whether it is closed."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.closed = asyncio.Event()
        super().__init__(self.reader)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()


class ForkedProcess:
    """A process of `starling`, as `asyncio.create_subprocess_exec` would return it."""

    def __init__(
        self,
        pid: int,
        events: _Pipe,
        stdin: asyncio.StreamWriter | None,
        stdout: _Pipe | None,
        stderr: _Pipe | None,
    ) -> None:
        self.pid, self.stdin = pid, stdin
        self._events, self._stdout, self._stderr = events, stdout, stderr
        self._end = asyncio.create_task(events.reader.readline(), name=f"end of process {pid}")

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Its stdout, if that is a pipe."""
        return self._stdout.reader if self._stdout else None

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """Its stderr, if that is a pipe."""
        return self._stderr.reader if self._stderr else None

    @property
    def returncode(self) -> int | None:
        """Exit code, or negative number of the signal that ended it; None while it runs."""
        return int(self._end.result()) if self._end.done() else None

    def send_signal(self, number: int) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: It has ended.
        """
        if self._end.done():
            raise ProcessLookupError
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        code = int(await asyncio.shield(self._end))
        await self._events.closed.wait()
        return code

    async def communicate(self, stdin: bytes | None = None) -> tuple[bytes, bytes]:
        """Send it its input, wait until it has ended, and return its stdout and stderr."""
        _, _, out, err = await asyncio.gather(
            self._write(stdin or b""), self.wait(), _rest(self._stdout), _rest(self._stderr)
        )
        return out, err

    async def _write(self, data: bytes) -> None:
        if self.stdin:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.stdin.write(data)
                await self.stdin.drain()
                self.stdin.close()
                await self.stdin.wait_closed()


async def _rest(pipe: _Pipe | None) -> bytes:
    """Read to the end, and wait until our end is closed."""
    if pipe is None:
        return b""
    read = await pipe.reader.read()
    await pipe.closed.wait()
    return read


async def forked(
    *arguments: str | Path,
    stdin: int = PIPE,
    stdout: int = PIPE,
    stderr: int = PIPE,
    env: Mapping[str, str] | None = None,
) -> ForkedProcess:
    """Start a command; stdin, stdout and stderr are descriptors or PIPE."""
    our_stdin, their_stdin = _pipe_to(stdin)
    our_stdout, their_stdout = _pipe_from(stdout)
    our_stderr, their_stderr = _pipe_from(stderr)
    events, their_events = os.pipe()
    fork([str(word) for word in arguments], (their_stdin, their_stdout, their_stderr), their_events, env)
    theirs = ((their_stdin, stdin), (their_stdout, stdout), (their_stderr, stderr), (their_events, PIPE))
    for descriptor, kind in theirs:
        if kind == PIPE:
            os.close(descriptor)
    said = await _pipe(events)
    pid = int(await said.reader.readline())
    return ForkedProcess(
        pid,
        said,
        None if our_stdin is None else await _writer(our_stdin),
        None if our_stdout is None else await _pipe(our_stdout),
        None if our_stderr is None else await _pipe(our_stderr),
    )


def _pipe_to(stream: int) -> tuple[int | None, int]:
    """Return our end and the process's end of its stdin."""
    if stream != PIPE:
        return None, stream
    reading, writing = os.pipe()
    return writing, reading


def _pipe_from(stream: int) -> tuple[int | None, int]:
    """Return our end and the process's end of an output."""
    return os.pipe() if stream == PIPE else (None, stream)


async def _pipe(descriptor: int) -> _Pipe:
    file = os.fdopen(descriptor, "rb", 0)
    _, protocol = await asyncio.get_running_loop().connect_read_pipe(_Pipe, file)
    return protocol


async def _writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(_Pipe, os.fdopen(descriptor, "wb", 0))
    return asyncio.StreamWriter(transport, protocol, None, loop)
