"""The changes that mypy finds; the tests need not be run against them."""

import ast
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

_COMMAND = (sys.executable, "-m", "mypy", "--output", "json", "--no-warn-unused-ignores")
_CHANGE = "__mutmut_"  # in the name of a changed copy of a function
_NOT_OF_THE_CHANGE = ("no-redef", "has-type", "var-annotated")
"""Errors that copies of a function have, or that follow from another error."""


def found_by_types(folder: Path, packages: Sequence[str]) -> set[str]:
    """Check the types of all changes, and return the names of those with an error.

    Args:
        folder: mutmut's folder.
        packages: The packages that have changes.
    """
    chosen = [argument for package in packages for argument in ("-p", package)]
    report = subprocess.run([*_COMMAND, *chosen], cwd=folder, capture_output=True, text=True, check=False)
    if report.stderr:
        raise ChildProcessError(report.stderr)
    lines: dict[str, set[int]] = defaultdict(set)
    for error in map(json.loads, report.stdout.splitlines()):
        if error["severity"] == "error" and error["code"] not in _NOT_OF_THE_CHANGE:
            lines[error["file"]].add(error["line"])
    return {change for file, wrong in lines.items() for change in changes_at(folder, file, wrong)}


def changes_at(folder: Path, file: str, lines: set[int]) -> Iterator[str]:
    """Yield the names of the changes in which one of these lines is."""
    module = file.removesuffix(".py").replace("/", ".")
    for node in ast.walk(ast.parse((folder / file).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _CHANGE in node.name:
            assert node.end_lineno is not None
            if not lines.isdisjoint(range(node.lineno, node.end_lineno + 1)):
                yield f"{module}.{node.name}"
