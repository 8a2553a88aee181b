import json
from pathlib import Path

from tests.mutation import scores, table


def test_mutants_are_counted_by_module(tmp_path: Path) -> None:
    (tmp_path / "mqtt").mkdir()
    codes = {"a": 1, "b": 0, "c": 33, "d": None, "e": -24, "f": 1}
    (tmp_path / "mqtt/link.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (tmp_path / "mqtt/packets.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    assert table(list(scores(tmp_path))).splitlines()[2:] == [
        "| `mqtt/link.py` | 6       | 3        | 2        | 1       |"
    ]
