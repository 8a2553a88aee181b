"""A child process that answers each line of JSON on its stdin with a line of JSON on its stdout.

Its first line is an object that describes it, sent when it is ready. The parts of a benchmark, the peers of
`starling bench compare` (in any language) and the models of `starling experiment` use this protocol. An answer with a
key `error` reports a failure. The process ends when its stdin is closed.
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

from stream.errors import BenchError, StarlingError

Request = Mapping[str, Any]

_READY_SECONDS = 300.0
_END_SECONDS = 10.0
_READ_BYTES = 1 << 20


def module_command(module: str, *arguments: str | Path) -> list[str]:
    """Return the command that runs a module with this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]


class Child:
    """A context manager that starts a child process, waits until it is ready, and ends it.

    Args:
        name: Its name in error messages.
        command: The program and its arguments.
        cores: The cores that it may run on; None: all that this process may use.
        environment: Additional environment variables.
        error_type: The type of the errors that are raised.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        cores: set[int] | None = None,
        environment: Mapping[str, str] | None = None,
        error_type: type[StarlingError] = BenchError,
    ) -> None:
        self._name = name
        self._command = command
        self._cores = cores
        self._environment = environment or {}
        self._error_type = error_type
        self._received = b""
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start the process and wait until it is ready.

        Raises:
            StarlingError: It cannot be started, or ends before it is ready.
        """
        self.start()
        try:
            self.about = self.answer(_READY_SECONDS)
        except BaseException:
            self.kill()
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process; after an error, kill it."""
        if kind:
            self.kill()
        self.end()

    def start(self) -> None:
        """Start the process without waiting until it is ready.

        Raises:
            StarlingError: It cannot be started.
        """
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (`end` closes it)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
                env=os.environ | self._environment,
                start_new_session=True,  # Ctrl-C interrupts the parent, which ends its children
            )
        except OSError as error:
            self._stderr.close()
            raise self._error_type(f"{self._name}: cannot run {self._command[0]}: {error.strerror}") from error
        if self._cores:
            os.sched_setaffinity(self._process.pid, self._cores)

    def kill(self) -> None:
        """Kill the process; a waiting `answer` then raises an error."""
        self._process.kill()

    def end(self) -> None:
        """Close stdin and wait until the process has ended; kill it if it does not end in time."""
        assert self._process.stdin  # noqa: S101  (it has pipes)
        assert self._process.stdout  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask(self, request: Request, timeout_seconds: float) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            StarlingError: The process ended, does not answer in time, or answers with an error or with invalid JSON.
        """
        self.tell(request)
        return self.answer(timeout_seconds)

    def tell(self, request: Request) -> None:
        """Send a request without waiting for the answer.

        Raises:
            StarlingError: The process has ended.
        """
        assert self._process.stdin  # noqa: S101
        try:
            self._process.stdin.write(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
        except BrokenPipeError as error:
            raise self._ended() from error

    def answer(self, timeout_seconds: float | None = None) -> dict[str, Any]:
        """Wait for the next line.

        Args:
            timeout_seconds: Longest pause between two parts of the line; None: wait until the process ends.

        Raises:
            StarlingError: As for `ask`.
        """
        assert self._process.stdout  # noqa: S101
        parts = [self._received]
        while b"\n" not in parts[-1]:
            if not select.select([self._process.stdout], [], [], timeout_seconds)[0]:
                raise self._error_type(f"{self._name} gave no answer within {timeout_seconds:.0f} s")
            part = os.read(self._process.stdout.fileno(), _READ_BYTES)
            if not part:
                raise self._ended()
            parts.append(part)
        line, _, self._received = b"".join(parts).partition(b"\n")
        return self._object(line)

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise self._error_type(f"{self._name}: the answer is not JSON: {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise self._error_type(f"{self._name}: the answer is not a JSON object: {line[:80]!r}")
        if "error" in message:
            raise self._error_type(f"{self._name}: {message['error']}")
        return message

    def _ended(self) -> StarlingError:
        code = self._process.wait()
        if code < 0:
            return self._error_type(f"{self._name} was killed by signal {-code}; is there enough memory?")
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else "it wrote nothing to stderr"
        return self._error_type(f"{self._name} ended with exit code {code}: {reason}")
