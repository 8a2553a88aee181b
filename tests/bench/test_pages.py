"""Generation of docs/performance.md from measurements."""

from pathlib import Path
from typing import Any

import orjson

from tests.performance.pages import rendered
from tests.performance.plots import plot_growth

PAGE = "# Speed\n\n<!-- growth.json -->\nold\n<!-- end -->\n\nWords.\n\n<!-- other.json -->\nkept\n<!-- end -->\n"


def growth() -> dict[str, Any]:
    row = {"tweets": 50, "tweets_per_second": 500.25, "cpu_ms_per_tweet": 2.5, "resident_bytes": 100 * 2**20}
    machine = {"board": None, "processor": "Some CPU", "cores_available": 2, "architecture": "aarch64"}
    return {
        "schema": 1,
        "kind": "growth",
        "started_at": "2026-11-21T12:00:00+00:00",
        "command": ["starling", "bench", "growth", "--json"],
        "machine": machine | {"processor_features": ["asimddp"], "virtual": False, "governor": "ondemand"},
        "warnings": ["the machine is hot"],
        "rows": [{"grows": "cores", "to": 1, **row}, {"grows": "tweets waiting", "to": 1000, **row}],
        "findings": {"ratio": 1.5},
    }


def test_a_table_replaces_the_previous_one(tmp_path: Path) -> None:
    (tmp_path / "growth.json").write_bytes(orjson.dumps(growth()))
    page = rendered(PAGE, tmp_path)
    assert "2026-11-21; Some CPU; 2 cores, aarch64; asimddp; governor ondemand; `starling bench growth`" in page
    assert "| tweets waiting | 1,000 | 500.2 | 2.50 | 100 |" in page
    assert "- ratio: 1.5\n- **Warning**: the machine is hot" in page
    assert "old" not in page
    assert "kept" in page
    assert rendered(page, tmp_path) == page


def test_growth_is_plotted(tmp_path: Path) -> None:
    (tmp_path / "growth.json").write_bytes(orjson.dumps(growth()))
    plot_growth(tmp_path / "growth.json", tmp_path)
    assert sorted(file.name for file in tmp_path.glob("*.svg")) == ["growth-cores.svg", "growth-tweets-waiting.svg"]
