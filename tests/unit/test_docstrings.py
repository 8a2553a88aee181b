"""Docstrings begin with a sentence or noun phrase that makes sense by itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("stream", "training", "grafana", "deploy")
FRAGMENT = re.compile(
    r"(As|Be|Because|By|For|From|How|If|In|Its|Lest|Of|On|So|Such|That|Their|Those|Though|To|Upon|What|Whatever|When|"
    r"Where|Whether|Which|Who|Whoever|Whom|Whose|Why|With)\b"
)
"""First words of clauses that need another sentence."""
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _folders() -> list[str]:
    """Return the folders of the packages, and those directly in them, with Python files."""
    files = [file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return sorted({"/".join(file.parts[:-1][:2]) for file in files})


def _first_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line number and first line of the docstrings of a file, including those of constants and attributes."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for statement in _statements(node):
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text.strip().partition("\n")[0]


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    if isinstance(node, Documented):
        yield from node.body


@pytest.mark.parametrize("folder", _folders())
def test_no_docstring_begins_with_a_fragment(folder: str) -> None:
    files = (ROOT / folder).rglob("*.py") if "/" in folder else (ROOT / folder).glob("*.py")
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in sorted(files)
        for line, text in _first_lines(file)
        if FRAGMENT.match(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_fragment"),
    [
        ('def f():\n    """What it returns."""', True),
        ('class C:\n    size: int\n    """In bytes."""', True),
        ('LIMIT = 3\n"""How many there are."""', True),
        ('def f():\n    """Return the size."""', False),
        ('LIMIT = 3\n"""Maximum size in bytes."""', False),
    ],
)
def test_docstrings_of_functions_attributes_and_constants_are_found(
    source: str, tmp_path: Path, *, is_fragment: bool
) -> None:
    file = tmp_path / "example.py"
    file.write_text(source, encoding="utf-8")
    ((_, text),) = _first_lines(file)
    assert bool(FRAGMENT.match(text)) == is_fragment
