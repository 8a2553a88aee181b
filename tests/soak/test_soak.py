"""A soak test of a few seconds; growth can be measured only in a long one."""

import csv
from pathlib import Path

import pytest

from tests.integration.mosquitto import PROGRAM
from tests.soak.plot import plot
from tests.soak.samples import written_to
from tests.soak.soak import Soak, SoakPlan, run_soak
from tests.soak.summary import summary
from tests.soak.verdicts import Verdict, findings

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto"),
]
PLAN = SoakPlan(seconds=6, share=0.5)


async def test_a_short_soak_restarts_the_broker_and_loses_nothing(tmp_path: Path) -> None:
    with written_to(tmp_path / "samples.csv") as write:
        soak = await run_soak(PLAN, tmp_path, write)
    assert soak.restarts == 2
    end = soak.samples[-1]
    assert end.phase == "end"
    assert end.waiting == 0
    assert end.published == end.labelled + end.rejected > 0
    assert end.rejected > 0
    no_loss, few_repeated, *not_to_be_told_yet = findings(soak)
    assert (no_loss.verdict, few_repeated.verdict) == (Verdict.KEPT, Verdict.KEPT)
    assert {finding.verdict for finding in not_to_be_told_yet} == {Verdict.UNDECIDED}
    check_the_outputs(soak, tmp_path)


def check_the_outputs(soak: Soak, folder: Path) -> None:
    plot(soak.samples, folder / "soak.png")
    assert (folder / "soak.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "samples.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(soak.samples)
    assert all(float(row["rss_bytes"]) > float(row["anonymous_bytes"]) > 1e7 for row in rows)
    assert all(int(row["descriptors"]) > 0 and int(row["tasks"]) > 0 and int(row["threads"]) > 0 for row in rows)
    assert dict(summary(PLAN, soak))["lost"] == "0"
