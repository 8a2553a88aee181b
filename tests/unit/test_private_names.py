"""No code relies on a private name of a dependency, which may change in any release.

ruff's SLF001 forbids it outside of tests. In tests, which may use private names of our own code, each private name must
be defined somewhere in this repository.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED_TUPLE = {"_replace", "_asdict", "_fields"}
"""Public methods of named tuples, which begin with an underscore so that they cannot be fields."""
SOURCES = ("stream", "training", "grafana", "deploy", "tests")


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in _NAMED_TUPLE


def defined_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def used_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) not in ("self", "cls"):
            yield node.attr, node.lineno


def test_every_private_name_in_a_test_is_one_of_our_own() -> None:
    defined = {name for _, tree in modules(*SOURCES) for name in defined_names(tree)}
    foreign = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, tree in modules("tests")
        for name, line in used_names(tree)
        if name not in defined
    ]
    assert foreign == []
