"""A forked process that runs tests against one change, and the judgement whether it hangs."""

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from tests.mutation.records import DETECTED, SURVIVED, TIMED_OUT

_CHANGE_VARIABLE = "MUTANT_UNDER_TEST"  # where mutmut's code reads which change is made
_PROCESSOR_SECONDS = 1.5
_PROCESSOR_FACTOR = 15.0
"""Processor time that a test may take, in addition and as a multiple of what it takes without a change."""
_MOST_LOOK_SECONDS = 1.0


class Child:
    """Tests that run in a fork of this process, in which pytest has collected all of them.

    Neither of the limits depends on how busy the machine is: a process that waits for the processor is not idle.

    Args:
        change: The change; an empty text for none.
        tests: The tests, in this order.
        processor_seconds: The processor time that each of them takes without a change.
        idle_seconds: Time of waiting, but not for the processor, after which a test waits in vain.
    """

    def __init__(
        self,
        change: str,
        tests: Sequence[pytest.Item],
        processor_seconds: Callable[[str], float],
        idle_seconds: float,
    ) -> None:
        self.change = change
        self._tests = tests
        self._processor_seconds = processor_seconds
        self._idle_seconds = idle_seconds
        self._reached = 0
        self._reached_at_processor_seconds = 0.0
        self._looked_at = time.monotonic()
        self._idle = 0.0
        self.durations: dict[str, float] = {}
        """Processor time of each test that has ended."""
        self.processor_seconds = 0.0
        """Processor time of the whole process, after its end."""
        self._progress, progress = os.pipe()  # closed when the process ends
        self._process = os.fork()
        if not self._process:
            _run(change, tests, progress)
        os.close(progress)
        os.set_blocking(self._progress, False)

    @property
    def test(self) -> str:
        """Name of the test that runs; of the one that failed if the child has ended so."""
        return self._tests[min(self._reached, len(self._tests) - 1)].nodeid

    def fileno(self) -> int:
        """Return a file that can be read when there is something new about this process."""
        return self._progress

    def ended(self) -> int | None:
        """Return mutmut's exit code; None while the tests run."""
        process, status, used = os.wait4(self._process, os.WNOHANG)
        self._follow()
        if process:
            return self._end(os.waitstatus_to_exitcode(status), used)
        if self._hangs():
            os.kill(self._process, signal.SIGKILL)
            return self._end(TIMED_OUT, os.wait4(self._process, 0)[2])
        return None

    def stop(self) -> None:
        """End the tests."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def _end(self, code: int, used: resource.struct_rusage) -> int:
        self.processor_seconds = used.ru_utime + used.ru_stime
        os.close(self._progress)
        return code if code in (SURVIVED, TIMED_OUT) else DETECTED

    def _follow(self) -> None:
        """Take the processor time of each test that has ended."""
        try:
            told = os.read(self._progress, 1 << 16)
        except BlockingIOError:
            return
        for line in told.splitlines():
            self._reached_at_processor_seconds += float(line)
            self.durations[self.test] = float(line)
            self._reached += 1
            self._idle = 0.0

    def _hangs(self) -> bool:
        now = time.monotonic()
        if not _waits_for_the_processor(self._process):
            self._idle += min(now - self._looked_at, _MOST_LOOK_SECONDS)
        self._looked_at = now
        allowed = _PROCESSOR_SECONDS + _PROCESSOR_FACTOR * self._processor_seconds(self.test)
        used = _processor_seconds(self._process) - self._reached_at_processor_seconds
        return self._idle > self._idle_seconds or used > allowed


def _run(change: str, tests: Sequence[pytest.Item], progress: int) -> None:
    """Run the tests until one fails, in the child; never returns."""
    code = DETECTED
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.environ[_CHANGE_VARIABLE] = change
        session = tests[0].session
        plugins = session.config.pluginmanager
        plugins.unregister(plugins.get_plugin("terminalreporter"))
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            started = time.process_time()
            test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
            if session.testsfailed:
                break
            os.write(progress, b"%.4f\n" % (time.process_time() - started))
        else:
            code = SURVIVED
    finally:
        os._exit(code)


def _processor_seconds(process: int) -> float:
    used = psutil.Process(process).cpu_times()
    return used.user + used.system


def _waits_for_the_processor(process: int) -> bool:
    """Return whether a thread could run, or reads a disk: it is the machine that is slow."""
    try:
        threads = [thread.read_text() for thread in Path(f"/proc/{process}/task").glob("*/stat")]
    except OSError:  # a thread has just ended
        return True
    return any(thread.rpartition(")")[2].split()[0] in "RD" for thread in threads)
