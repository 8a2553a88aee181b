"""The dashboards against Grafana's own types, `@grafana/schema`, which TypeScript's compiler checks."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.queries import dashboards

SOURCES = Path(__file__).parent / "schema"
INSTALLED = Path(__file__).parents[2] / ".grafana-schema"
COMPILER = INSTALLED / "node_modules" / ".bin" / "tsc"
Change = Callable[[dict[str, Any]], object]

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not COMPILER.exists(),
    reason="Grafana's schema is not installed: make grafana-schema, which needs node and npm",
)


def complaints(folder: Path, *contents: dict[str, Any]) -> str:
    """Return what the compiler says about dashboards; empty if they fit."""
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    for number, content in enumerate(contents):
        text = json.dumps(content)
        (folder / f"dashboard{number}.ts").write_text(
            f"import type {{ Dashboard }} from './types';\nexport const dashboard: Dashboard = {text};\n",
            encoding="utf-8",
        )
    done = subprocess.run([COMPILER, "--project", folder], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (not done.stdout), done.stderr
    return done.stdout


def test_the_dashboards_fit_the_schema(tmp_path: Path) -> None:
    assert complaints(tmp_path, *dashboards().values()) == ""


def first(board: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a dashboard's first panel of a kind."""
    panel: dict[str, Any] = next(each for each in board["panels"] if each["type"] == kind)
    return panel


def test_what_grafana_would_ignore_or_misread_is_found(tmp_path: Path) -> None:
    changes: dict[str, Change] = {
        "tiemzone": lambda board: board.update(tiemzone="browser"),
        "expr": lambda board: board["annotations"]["list"][0].update(expr="up"),
        "graphMode": lambda board: first(board, "stat")["options"].update(graphMode="aera"),
        "lineWdith": lambda board: first(board, "timeseries")["fieldConfig"]["defaults"]["custom"].update(lineWdith=2),
        "unit": lambda board: first(board, "timeseries")["fieldConfig"]["defaults"].update(unit=5),
        "piechart": lambda board: first(board, "stat").update(type="piechart"),
    }
    changed = []
    for change in changes.values():
        board = dashboards()["fleet.json"]
        change(board)
        changed.append(board)

    found = complaints(tmp_path, *changed)

    assert [f"dashboard{number}.ts" in found for number in range(len(changes))] == [True] * len(changes), found
