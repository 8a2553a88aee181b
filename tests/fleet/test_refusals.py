"""Wrong variables, nodes, wheelhouses and bundles are refused before anything is changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import network
from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import BROKER, NODES

_STATE = """
find /opt/starling /etc/starling /etc/systemd/system -newermt @{since} -not -type d
systemctl show --property MainPID starling
"""


@pytest.fixture
def unchanged(fleet: Fleet) -> Iterator[None]:
    """Checks that the test changes no file on the nodes and does not restart the service."""
    since = fleet.nodes[0].run("date +%s")
    before = _state_of(fleet, since)
    yield
    assert _state_of(fleet, since) == before


def _state_of(fleet: Fleet, since: str) -> dict[str, str]:
    return {node.name: node.run(_STATE.format(since=since)) for node in fleet.nodes}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"starling_architectures": ["riscv64"]}, "x86_64 is not one of riscv64"),
        (
            {"starling_debian_architectures": {"x86_64": "armhf"}},
            "the programs are amd64; install a 64-bit Raspberry Pi OS",
        ),
        ({"starling_python": "/usr/bin/python2"}, "/usr/bin/python2 is missing"),
        ({"starling_minimum_disk_mebibytes": 900_000_000}, "free some disk space, or use a larger card"),
        ({"starling_minimum_memory_mebibytes": 900_000_000}, "MiB of memory, less than"),
        ({"starling_most_clock_skew_seconds": -1}, "enable time synchronisation"),
        ({"starling_http_password": "change-me"}, "a password is still the example's"),
        ({"starling_http_password": ""}, "starling_http_username and starling_http_password belong together"),
        ({"starling_broker_ca_certificate": "/nowhere/ca.pem"}, "the controller has no /nowhere/ca.pem"),
        ({"starling_wheelhouse": "/nowhere"}, "the controller has no /nowhere"),
        ({"starling_http_port": "many"}, "starling_http_port"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.usefixtures("unchanged")
def test_a_wrong_variable_or_node_is_refused_with_the_reason(
    fleet: Fleet, variables: dict[str, Any], sentence: str
) -> None:
    outcome = fleet.playbooks.run("preflight.yml", **variables)

    assert (outcome.exit_code != 0, sentence in outcome.said) == (True, True), outcome.output[-4000:]


@pytest.mark.usefixtures("unchanged")
def test_a_wheelhouse_without_a_needed_wheel_is_refused(fleet: Fleet, wheelhouse: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(wheelhouse, tmp_path / "wheelhouse", copy_function=_link))
    next(copy.glob("orjson-*.whl")).unlink()

    outcome = fleet.playbooks.run("rollout.yml", starling_wheelhouse=str(copy))

    assert (outcome.exit_code, "(constraint) orjson==" in outcome.said) == (2, True), outcome.output[-4000:]


@pytest.mark.usefixtures("unchanged")
def test_a_wheelhouse_with_a_damaged_wheel_is_refused(fleet: Fleet, wheelhouse: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(wheelhouse, tmp_path / "wheelhouse", copy_function=_link))
    wheel = next(copy.glob("orjson-*.whl"))
    whole = wheel.read_bytes()
    wheel.unlink()
    wheel.write_bytes(whole[:-1000])

    outcome = fleet.playbooks.run("rollout.yml", starling_wheelhouse=str(copy))

    assert (outcome.exit_code, f"{wheel} is damaged" in outcome.said) == (2, True), outcome.output[-4000:]


@pytest.mark.usefixtures("unchanged")
def test_a_damaged_bundle_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree("stream/models/default", tmp_path / "bundle"))
    with (bundle / "model.tflite").open("ab") as model:
        model.write(b"?")

    outcome = fleet.playbooks.run("rollout.yml", starling_model_bundle=str(bundle))

    assert (outcome.exit_code, "the bundle is damaged" in outcome.said) == (2, True), outcome.output[-4000:]


@pytest.mark.usefixtures("unchanged")
def test_an_unreachable_node_stops_the_roll_out_before_any_change(fleet: Fleet) -> None:
    network.disconnect(NODES[-1])
    try:
        outcome = fleet.playbooks.run("rollout.yml")
    finally:
        network.reconnect(NODES[-1])

    assert (outcome.failed >= {NODES[-1]}, set(outcome.changed.values())) == (True, {0}), outcome.output[-4000:]


@pytest.mark.skipif(len(NODES) < 2, reason="one node is left out, and one must remain")
@pytest.mark.usefixtures("unchanged")
def test_an_unreachable_node_can_be_left_out_of_a_run_for_the_others(fleet: Fleet) -> None:
    network.disconnect(NODES[-1])
    try:
        # As for the installation: Prometheus knows the models of a wheel that the playbook has built.
        outcome = fleet.playbooks.run("site.yml", "--limit", f"!{NODES[-1]}", starling_wheel="")
    finally:
        network.reconnect(NODES[-1])

    assert (outcome.exit_code, outcome.changed) == (0, dict.fromkeys([BROKER, *NODES[:-1]], 0)), outcome.output[-4000:]


@pytest.mark.usefixtures("unchanged")
def test_a_wrong_vault_password_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("right")
    wrong.write_text("wrong")
    secrets = tmp_path / "vault.yml"
    secrets.write_text("starling_http_password: locked away\n")
    fleet.playbooks.vault("encrypt", str(secrets), "--vault-password-file", str(right))

    outcome = fleet.playbooks.run("site.yml", "-e", f"@{secrets}", "--vault-password-file", str(wrong))

    assert (outcome.exit_code != 0, outcome.changed, "Decryption failed" in outcome.said) == (True, {}, True)


def test_the_nodes_are_still_ready(fleet: Fleet) -> None:
    assert fleet.ready() == set(NODES)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
