"""The changelog has an entry for the current version, and dates in order."""

import re
from datetime import date

from stream import __version__
from tests.documents.examples import ROOT

_ALL_HEADINGS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
UNRELEASED = "Unreleased"
HEADINGS = [heading for heading in _ALL_HEADINGS if heading != UNRELEASED]


def test_changes_that_are_not_released_come_first() -> None:
    assert UNRELEASED not in _ALL_HEADINGS[1:]


def test_the_newest_entry_is_the_current_version() -> None:
    assert HEADINGS[0].split(" - ")[0] == __version__


def test_every_entry_has_a_version_and_a_date_and_the_newest_is_first() -> None:
    entries = [heading.split(" - ") for heading in HEADINGS]
    dates = [date.fromisoformat(day) for _, day in entries]
    versions = [[int(number) for number in version.split(".")] for version, _ in entries]
    assert dates == sorted(dates, reverse=True)
    assert versions == sorted(versions, reverse=True)
