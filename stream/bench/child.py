"""A process that is measured: it answers one line of JSON on stdout to each line of JSON on its stdin.

Its first line, once it is ready, is an object that says what it is. Everything that runs beside us speaks this way,
the peers of `starling bench compare` too, whatever language and libraries they are of.
"""

import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from stream.bench.processor_time import cpu_seconds, resident_bytes
from stream.errors import BenchError

Request = Mapping[str, Any]

_READY_SECONDS = 300.0
_END_SECONDS = 10.0


def module_command(module: str, *arguments: str | Path) -> list[str]:
    """The command that runs a module of ours with this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]


class Child:
    """Such a process; a context manager that starts it, waits until it is ready, and ends it.

    Args:
        name: What errors call it.
        command: The program and its arguments.
        cores: The cores that it may run on; None: all of ours.
    """

    def __init__(self, name: str, command: Sequence[str], cores: set[int] | None = None) -> None:
        self._name = name
        self._command = command
        self._cores = cores
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start the process.

        Raises:
            BenchError: It cannot be started, or ends before it is ready.
        """
        self._stderr = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0
            )
        except OSError as error:
            self._stderr.close()
            raise BenchError(f"{self._name}: cannot run {self._command[0]}: {error.strerror}") from error
        if self._cores:
            os.sched_setaffinity(self._process.pid, self._cores)
        try:
            self.about = self.answer(_READY_SECONDS)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its stdin, at which it ends; kills it where it does not."""
        assert self._process.stdin  # noqa: S101  (it has pipes)
        assert self._process.stdout  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if kind:
            self._process.kill()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """The CPU time it has used so far."""
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Its resident set."""
        return resident_bytes(self.pid)

    def ask(self, request: Request, timeout_seconds: float) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            BenchError: The process ended, does not answer in time, or says something else than an object.
        """
        self.tell(request)
        return self.answer(timeout_seconds)

    def tell(self, request: Request) -> None:
        """Send a request, whose answer must be waited for before the next.

        Raises:
            BenchError: The process has ended.
        """
        assert self._process.stdin  # noqa: S101
        try:
            self._process.stdin.write(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
        except BrokenPipeError as error:
            raise self._ended() from error

    def answer(self, timeout_seconds: float) -> dict[str, Any]:
        """Wait for an answer.

        Raises:
            BenchError: As for `ask`.
        """
        assert self._process.stdout  # noqa: S101
        line = bytearray()
        while not line.endswith(b"\n"):
            if not select.select([self._process.stdout], [], [], timeout_seconds)[0]:
                raise BenchError(f"{self._name} gave no answer within {timeout_seconds:.0f} s")
            part = os.read(self._process.stdout.fileno(), 1 << 20)
            if not part:
                raise self._ended()
            line += part
        return self._object(bytes(line))

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BenchError(f"{self._name} answered with no JSON: {line[:80]!r}") from error
        if not isinstance(found, dict):
            raise BenchError(f"{self._name} answered with no JSON object: {line[:80]!r}")
        if "error" in found:
            raise BenchError(f"{self._name}: {found['error']}")
        return found

    def _ended(self) -> BenchError:
        code = self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return BenchError(f"{self._name} ended with exit code {code}: {said[-1] if said else 'it said nothing'}")
