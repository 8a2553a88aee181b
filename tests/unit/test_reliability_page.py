"""docs/reliability.md: what it names is there, and its table shows every fault."""

import re
from pathlib import Path

from tests.chaos.faults import FAULTS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = [" ".join(name.split()) for name in re.findall(r"`([^`]+)`", PAGE)]
FAULT_NAMES = {fault.name for fault in FAULTS}


def test_every_test_that_is_named_exists() -> None:
    named = [name.split("::") for name in NAMED if "::" in name]
    assert len(named) > 30
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (TESTS / file).read_text("utf-8")]
    assert missing == []


def test_every_fault_is_named_beside_a_promise_and_none_that_is_not_there() -> None:
    assert {name.removeprefix("fault: ") for name in NAMED if name.startswith("fault: ")} == FAULT_NAMES


def test_the_table_shows_every_fault_over_both_versions_of_mqtt() -> None:
    rows = re.findall(r"^\| (.*?) +\| (5|3\.1\.1) +\|.*\| (.*?) +\|$", PAGE, re.MULTILINE)
    assert {(fault, version) for fault, version, _ in rows} == {
        (name, version) for name in FAULT_NAMES for version in ("5", "3.1.1")
    }
    assert {promises for *_, promises in rows} == {"kept"}
