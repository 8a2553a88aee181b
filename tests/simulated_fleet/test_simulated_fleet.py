"""A small simulated fleet: a bad release stops the roll-out, its batch goes back, and no tweet is lost."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration import mosquitto
from tests.simulated_fleet.__main__ import broken_promises, report
from tests.simulated_fleet.releases import Fault
from tests.simulated_fleet.role import Plan, role_plan
from tests.simulated_fleet.simulation import Scale, simulate

_FAULTS: Mapping[str, Fault] = {"pi-02": "fails", "pi-03": "calls everything negative"}
_BRIEF = ("--tweets", "25", "--seconds", "0.5")
_ANY_LATENCY = ("--latency-ratio", "1000")
"""Nothing depends on the speed of the machine."""
ROLE = Path(__file__).parents[2] / "deploy" / "ansible" / "roles" / "starling"


def test_the_plan_is_that_of_the_role() -> None:
    plan = role_plan()
    options = set(re.findall(r"'(--[\w-]+)'", (ROLE / "tasks" / "compare.yml").read_text(encoding="utf-8")))
    assert (plan.at_once, plan.ready_seconds, plan.peers) == (20, 90, 8)
    assert plan.before == ["--tweets", "60"]
    assert set(plan.after[::2]) == options - {"--config"}
    assert plan.after[2:4] == ["--seconds", "100"]


@pytest.mark.parametrize(
    ("batches", "nodes", "sizes"),
    [
        ([1, "25%", "100%"], 50, [1, 12, 37]),
        ([1, "25%", "100%"], 3, [1, 1, 1]),
        ([1, 2], 6, [1, 2, 2, 1]),
        (["100%"], 4, [4]),
    ],
)
def test_batches_have_the_sizes_that_ansible_gives_them(batches: list[int | str], nodes: int, sizes: list[int]) -> None:
    plan = replace(role_plan(), batches=batches)
    assert [len(batch) for batch in plan.split(nodes)] == sizes
    assert [place for batch in plan.split(nodes) for place in batch] == list(range(nodes))


@pytest.mark.broker
@pytest.mark.skipif(mosquitto.PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto")
@pytest.mark.timeout(600)  # 25 starts of a service and 20 of the gate, on a busy machine
async def test_a_failing_and_a_wrong_node_stop_the_roll_out_and_no_tweet_is_lost(tmp_path: Path) -> None:
    plan = Plan(batches=[1, 3, 2], at_once=6, ready_seconds=90, peers=2, before=_BRIEF, after=[*_BRIEF, *_ANY_LATENCY])
    scale = Scale(nodes=6, tweets_per_second=30, inference_seconds=0.01, faults=_FAULTS, tweets_before=30)

    simulated = await simulate(tmp_path, scale, plan)

    assert broken_promises(simulated, _FAULTS) == [], report(simulated, _FAULTS)
    assert [len(batch.nodes) for batch in simulated.bad] == [1, 3]
    failures = simulated.bad[1].failures
    assert "this release cannot use the model" in failures["pi-02"]
    assert "100.0% of the labels are negative" in failures["pi-03"]
    assert simulated.releases_after_bad == {"pi-01": "1.1.0", **{f"pi-0{number}": "1.0.0" for number in range(2, 7)}}
