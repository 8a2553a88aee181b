"""Roll-outs of good, bad and interrupted releases."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from stream.model.bundle import SHIPPED_BUNDLE, load_bundle
from tests.fleet import network
from tests.fleet.conftest import Fleet
from tests.fleet.load import Load, load
from tests.fleet.playbooks import NODES, Outcome
from tests.fleet.wheels import DYING, GOOD, MUTE, NEGATIVE, REJECTING, SLOW, WEDGED, Change

Altered = Callable[[Change], str]


async def rolled_out(fleet: Fleet, folder: Path, wheel: str) -> tuple[Outcome, Load]:
    """Roll out a release while tweets are published."""
    async with load(fleet.broker.address, folder) as counted:
        outcome = await asyncio.to_thread(
            fleet.playbooks.run, "rollout.yml", starling_wheel=wheel, starling_ready_seconds=40
        )
    assert counted.sent
    return outcome, counted


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(MUTE, "it received no tweet, its peers", id="receives nothing"),
        pytest.param(DYING, "Restart the service", id="exits at once"),
        pytest.param(SLOW, "a tweet takes", id="slow"),
        pytest.param(NEGATIVE, "gives the same label to opposite tweets", id="labels everything negative"),
        pytest.param(REJECTING, "of the messages are rejected", id="rejects most tweets"),
        pytest.param(WEDGED, "the service has not answered for", id="hangs after a hundred tweets"),
    ],
)
async def test_a_bad_release_stops_at_the_canary_and_loses_nothing(
    fleet: Fleet, altered: Altered, tmp_path: Path, change: Change, reason: str
) -> None:
    before = fleet.releases()

    outcome, counted = await rolled_out(fleet, tmp_path, altered(change))

    assert (outcome.failed, reason in outcome.said) == ({"pi-1"}, True), outcome.output[-4000:]
    assert (fleet.releases(), fleet.ready(), counted.lost) == (before, set(NODES), set())
    assert set(counted.rejected.values()) == ({"pi-1"} if change is REJECTING else set())


@pytest.mark.skipif(len(NODES) < 3, reason="the second batch needs two nodes")
async def test_a_node_that_does_not_answer_any_more_stops_the_roll_out_and_its_batch_is_rolled_back(
    fleet: Fleet, altered: Altered
) -> None:
    before = fleet.releases()
    lost = NODES[2]
    variables = {"starling_wheel": altered(GOOD), "starling_batches": [1, "100%"]}
    try:
        with fleet.playbooks.started_playbook("rollout.yml", **variables) as rollout:
            assert rollout.stdout
            lines = [rollout.stdout.readline()]
            switches = 0
            while lines[-1]:
                if "[starling : Activate the new release]" in lines[-1]:
                    switches += 1
                if switches == 2:  # the second batch
                    network.disconnect(lost)
                    switches += 1
                lines.append(rollout.stdout.readline())
            code = rollout.wait()
    finally:
        network.reconnect(lost)
    said = " ".join("".join(lines).split())

    assert (code != 0, f"but {lost} of the same batch failed" in said) == (True, True), said[-4000:]
    assert fleet.nodes[1].run("readlink /opt/starling/current") in before
    back = fleet.playbooks.run("rollback.yml", "--limit", f"pi-1,{lost}")
    assert (back.exit_code, fleet.releases(), fleet.ready()) == (0, before, set(NODES)), back.output[-4000:]


async def test_a_good_release_reaches_all_nodes_and_is_rolled_back_without_loss(
    fleet: Fleet, altered: Altered, tmp_path: Path
) -> None:
    before = fleet.releases()

    outcome, counted = await rolled_out(fleet, tmp_path, altered(GOOD))
    assert (outcome.exit_code, counted.lost, counted.rejected) == (0, set(), {}), outcome.output[-4000:]
    assert before.isdisjoint(fleet.releases())

    back = fleet.playbooks.run("rollback.yml")
    assert (back.exit_code, fleet.releases(), fleet.ready()) == (0, before, set(NODES)), back.output[-4000:]

    again = fleet.playbooks.run("rollback.yml")
    assert set(again.changed.values()) == {0}


def test_a_roll_out_that_was_killed_after_the_switch_is_finished_by_the_next_one(
    fleet: Fleet, altered: Altered
) -> None:
    wheel = altered(GOOD)
    with fleet.playbooks.started_playbook("rollout.yml", "--limit", "pi-1", starling_wheel=wheel) as rollout:
        assert rollout.stdout
        for line in rollout.stdout:
            if "[starling : Check settings, model and broker with the new release" in line:
                break
    kept = fleet.nodes[0].run("readlink /opt/starling/previous/current")

    outcome = fleet.playbooks.run("rollout.yml", "--limit", "pi-1", starling_wheel=wheel)

    assert (outcome.exit_code, "an earlier switch was interrupted" in outcome.said) == (0, True), outcome.output[-4000:]
    assert fleet.nodes[0].run("readlink /opt/starling/previous/current") == kept
    assert fleet.nodes[0].run("ls -d /opt/starling/switching", check=False) == ""
    assert fleet.playbooks.run("rollback.yml", "--limit", "pi-1").exit_code == 0


def test_an_incomplete_installation_is_repeated(fleet: Fleet, altered: Altered) -> None:
    node, wheel = fleet.nodes[0], altered(GOOD)
    with fleet.playbooks.started_playbook("rollout.yml", "--limit", "pi-1", starling_wheel=wheel) as rollout:
        assert rollout.stdout
        for line in rollout.stdout:
            if "[starling : Install the wheel and its dependencies]" in line:
                break

    outcome = fleet.playbooks.run("rollout.yml", "--limit", "pi-1", starling_wheel=wheel)

    assert (outcome.exit_code, node.fetch(9108, "/readyz")[0]) == (0, 200)
    assert fleet.playbooks.run("rollback.yml", "--limit", "pi-1").exit_code == 0


async def test_a_model_is_changed_without_a_restart_or_a_lost_tweet(fleet: Fleet, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "bundle"))
    manifest = orjson.loads((bundle / "model.json").read_bytes())
    (bundle / "model.json").write_bytes(orjson.dumps(manifest | {"name": "another"}))
    fleet.playbooks.run("rollout.yml", starling_model_bundle=str(SHIPPED_BUNDLE))
    before = {node.run("systemctl show --property MainPID starling") for node in fleet.nodes}

    async with load(fleet.broker.address, tmp_path) as counted:
        outcome = await asyncio.to_thread(fleet.playbooks.run, "rollout.yml", starling_model_bundle=str(bundle))

    assert (outcome.exit_code, counted.lost) == (0, set()), outcome.output[-4000:]
    assert {node.run("systemctl show --property MainPID starling") for node in fleet.nodes} == before
    assert set(counted.models.values()) == {load_bundle(SHIPPED_BUNDLE).manifest.name, "another"}
