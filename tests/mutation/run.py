"""Runs the tests against each change, in mutmut's folder `mutants`: `python -m tests.mutation.run`."""

import argparse
import gc
import os
import select
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

import stream
from tests.mutation.child import Child
from tests.mutation.records import (
    DETECTED,
    SURVIVED,
    TIMED_OUT,
    UNCOVERED,
    Module,
    function_of,
    modules,
    tests_by_function,
    to_run,
)

_FOLDER = Path()
_LOOK_SECONDS = 0.5


def file_of(test: str) -> str:
    """Return the file in a test's name."""
    return test.partition("::")[0]


class Runner:
    """Runs the tests in forks of the process in which they were collected once.

    Args:
        changes: The changes in the order in which to run them, each with its module.
        children: The number of processes at once.
        idle_seconds: Time of waiting, but not for the processor, after which a test waits in vain.
    """

    def __init__(self, changes: Sequence[tuple[str, Module]], children: int, idle_seconds: float) -> None:
        self._changes = changes
        self._children = children
        self._idle_seconds = idle_seconds
        self._noted = 0
        self._used_seconds = 0.0
        self._tests_of, self._known = tests_by_function(_FOLDER)
        self._functions_of = Counter(test for tests in self._tests_of.values() for test in tests)
        self._new: list[str] = []
        self._seconds: dict[str, float] = {}
        self._detectors: dict[str, list[str]] = defaultdict(list)
        """The tests that have detected changes of a function, the last one first."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests (pytest's hook)."""
        tests = {test.nodeid: test for test in session.items}
        _warm_up()
        self._new = [name for name in tests if name not in self._known]
        self._time([test for name, test in tests.items() if self._covers(name)])
        gc.freeze()  # the forks share what is not collected
        started = time.monotonic()
        running: list[tuple[Child, Module]] = []
        waiting = self._with_tests()
        try:
            while True:
                while len(running) < self._children and (next_one := next(waiting, None)):
                    change, module = next_one
                    order = [tests[name] for name in self._order(function_of(change)) if name in tests]
                    running.append((Child(change, order, self._processor_seconds, self._idle_seconds), module))
                if not running:
                    break
                select.select([child for child, _ in running], [], [], _LOOK_SECONDS)
                running = [pair for pair in running if not self._ended(*pair)]
        except KeyboardInterrupt:
            for child, _ in running:
                child.stop()
        minutes = (time.monotonic() - started) / 60
        print(
            f"{self._noted} of {len(self._changes)} changes in {minutes:.1f} minutes, with "
            f"{self._used_seconds:.0f} s of processor time",
            flush=True,
        )
        return True

    def _covers(self, test: str) -> bool:
        return test in self._new or any(
            test in self._tests_of.get(function_of(change), ()) for change, _ in self._changes
        )

    def _time(self, tests: Sequence[pytest.Item]) -> None:
        """Run the tests without a change."""
        clean = Child("", tests, lambda _: 60.0, 60.0)
        while (code := clean.ended()) is None:
            select.select([clean], [], [], _LOOK_SECONDS)
        self._seconds = clean.durations
        if code != SURVIVED:
            raise pytest.UsageError(f"{clean.test} fails without a change")
        print(f"{len(tests)} tests take {sum(self._seconds.values()):.1f} s of processor time", flush=True)

    def _processor_seconds(self, test: str) -> float:
        return self._seconds[test]

    def _with_tests(self) -> Iterator[tuple[str, Module]]:
        for change, module in self._changes:
            if self._order(function_of(change)):
                yield change, module
            else:
                self._note(change, module, UNCOVERED, "no test")

    def _order(self, function: str) -> list[str]:
        """Return the tests of a function: first those that detected its other changes, then the quick and narrow ones.

        Tests of one file follow one another, for they share what was set up for them.

        A test that is newer than mutmut's notes may run any function.
        """
        found = self._detectors[function]
        rest = self._tests_of.get(function, set()).intersection(self._seconds).union(self._new).difference(found)
        least = {file_of(test): self._effort(test) for test in sorted(rest, key=self._effort, reverse=True)}
        return [*found, *sorted(rest, key=lambda test: (least[file_of(test)], file_of(test), self._effort(test)))]

    def _effort(self, test: str) -> float:
        return self._seconds[test] * self._functions_of[test]

    def _ended(self, child: Child, module: Module) -> bool:
        code = child.ended()
        if code is None:
            return False
        if code != SURVIVED:
            found = self._detectors[function_of(child.change)]
            with suppress(ValueError):
                found.remove(child.test)
            found.insert(0, child.test)
        self._note(child.change, module, code, child.test)
        self._used_seconds += child.processor_seconds
        return True

    def _note(self, change: str, module: Module, code: int, test: str) -> None:
        module.note(change, code)
        self._noted += 1
        words = {SURVIVED: "survived", UNCOVERED: "no test", TIMED_OUT: f"hangs in {test}"}
        print(f"{change}: {words.get(code, f'detected by {test}')}", flush=True)


def _warm_up() -> None:
    """Let hypothesis read its tables of characters before the forks; pytest must be the first to import it."""
    import hypothesis  # noqa: PLC0415

    hypothesis.find(hypothesis.strategies.text(), lambda _: True)


def main() -> None:
    """Run the changes that the arguments name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=["*"], help="of changes, patterns as in a shell; run in this order")
    parser.add_argument("--again", action="store_true", help="also those that have been run")
    parser.add_argument("--survivors", action="store_true", help="those that no test has detected")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="number of processes")
    parser.add_argument("--idle-seconds", type=float, default=8.0, help="of a test that waits in vain")
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[], help="arguments of pytest")
    given = parser.parse_args()
    assert Path(stream.__file__).is_relative_to(Path.cwd()), "this runs in mutmut's folder"
    wanted = (
        {SURVIVED, UNCOVERED}
        if given.survivors
        else {None, *([SURVIVED, DETECTED, UNCOVERED, TIMED_OUT] if given.again else [])}
    )
    found = list(modules(_FOLDER / "stream"))
    changes = {change: module for name in given.names for module in found for change in to_run(module, name, wanted)}
    runner = Runner(list(changes.items()), given.children, given.idle_seconds)
    sys.exit(pytest.main(given.pytest, plugins=[runner]))


if __name__ == "__main__":
    main()
