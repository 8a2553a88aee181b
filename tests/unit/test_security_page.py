"""SECURITY.md: what it says is held by a test."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| .* \| .* \| (.*) \|$", (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE
)[2:]


def test_every_threat_names_the_tests_that_hold_it() -> None:
    named = [re.findall(r"`([^`]+)`", row) for row in ROWS]
    assert len(named) > 10
    assert all(named)
    assert [name for names in named for name in names if not (TESTS / name).exists()] == []
