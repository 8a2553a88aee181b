"""Benchmarks on every node."""

from pathlib import Path

import orjson

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import NODES


def test_results_are_copied_to_the_controller_and_the_nodes_are_ready_again(fleet: Fleet, tmp_path: Path) -> None:
    outcome = fleet.playbooks.run("benchmark.yml", benchmark_folder=str(tmp_path))

    assert outcome.exit_code == 0, outcome.output[-4000:]
    results = {node: orjson.loads((tmp_path / f"{node}-classifier.json").read_bytes()) for node in NODES}
    assert {result["kind"] for result in results.values()} == {"classifier"}
    assert all(result["rows"] for result in results.values())
    assert fleet.ready() == set(NODES)
