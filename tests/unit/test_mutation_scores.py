import json
from pathlib import Path

from tests.mutation.scores import scores, table


def test_changes_are_counted_by_module(tmp_path: Path) -> None:
    (tmp_path / "mqtt").mkdir()
    codes = {"a": 1, "b": 0, "c": 33, "d": None, "e": 36, "f": 1, "g": 37}
    (tmp_path / "mqtt/link.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (tmp_path / "mqtt/packets.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    found = table(list(scores(tmp_path)))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.splitlines()]
    assert rows[2:] == [["`mqtt/link.py`", "7", "6", "3", "1", "2"], ["all", "7", "6", "3", "1", "2"]]
