"""The files that mutmut leaves in `mutants/`: the changes, how each ended, and which tests run which function."""

import fnmatch
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

DETECTED = 1
SURVIVED = 0
UNCOVERED = 33
TIMED_OUT = 36
FOUND_BY_TYPES = 37
"""mutmut's exit codes; null: not run yet."""


class Module:
    """The changes of one module.

    Args:
        file: mutmut's file about it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.path = file.with_suffix("")
        """The module's file."""
        self._content: dict[str, Any] = json.loads(file.read_text())
        self.codes: dict[str, int | None] = self._content["exit_code_by_key"]
        """mutmut's exit code by the name of the change."""

    def note(self, change: str, code: int) -> None:
        """Keep how a change ended; an interrupted run continues after it."""
        self.codes[change] = code
        whole = self._file.with_suffix(".new")
        whole.write_text(json.dumps(self._content, indent=4))
        whole.replace(self._file)


def modules(folder: Path) -> Iterator[Module]:
    """Yield the modules that have changes."""
    for file in sorted(folder.rglob("*.py.meta")):
        module = Module(file)
        if module.codes:
            yield module


def tests_by_function(folder: Path) -> tuple[dict[str, set[str]], set[str]]:
    """Return the tests that run each function, and all tests that were there when mutmut noted that."""
    content = json.loads((folder / "mutmut-stats.json").read_text())
    tests = {function: set(names) for function, names in content["tests_by_mangled_function_name"].items()}
    return tests, set(content["duration_by_test"])


def function_of(change: str) -> str:
    """Return mutmut's name of the function that is changed."""
    return change.rpartition("__mutmut_")[0]


def to_run(module: Module, name: str, wanted: Collection[int | None]) -> list[str]:
    """Return the changes with this name, a pattern as in a shell, which ended in one of these ways."""
    return [change for change, code in module.codes.items() if code in wanted and fnmatch.fnmatch(change, name)]
