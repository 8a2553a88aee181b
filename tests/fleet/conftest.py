"""Nodes and a hub with broker and Prometheus, booted and installed by site.yml for all tests."""

import contextlib
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.fleet import image, meter, network
from tests.fleet.machine import Machine, booted
from tests.fleet.playbooks import BROKER, NODES, PROGRAM, Outcome, Playbooks
from tests.fleet.wheels import Change, altered_wheel, built_wheel

SYSTEMS = {BROKER: image.BOOKWORM} | dict(zip(NODES, image.NODE_SYSTEMS, strict=True))
LANGUAGES_NODE = NODES[0]
"""The node that identifies languages."""
_MINUTES = 60
_ORDER = [
    "test_site",
    "test_meter",
    "test_feed",
    "test_secrets",
    "test_grafana",
    "test_dashboards",
    "test_refusals",
    "test_benchmark",
    "test_rollout",
    "test_tls",
    "test_uninstall",
]


def _missing_requirement() -> str | None:
    if os.geteuid() != 0:
        return "root is needed to boot machines"
    programs = ["systemd-nspawn", "mmdebstrap", "ssh", "ip"]
    missing = [program for program in programs if shutil.which(program) is None]
    if not PROGRAM.exists():
        missing.append("ansible-playbook (make test-fleet installs it)")
    return f"{', '.join(missing)} is missing" if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing_requirement()
    items.sort(key=_place)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)
            item.add_marker(pytest.mark.timeout(40 * _MINUTES))
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def _place(item: pytest.Item) -> int:
    """Position of a test: installation first, removal last; tests of other folders keep their order."""
    is_in_order = item.path.parent == Path(__file__).parent and item.path.stem in _ORDER
    return _ORDER.index(item.path.stem) if is_in_order else -1


@dataclass(frozen=True)
class Fleet:
    """The machines, the playbooks, and the outcomes of the first two runs."""

    machines: dict[str, Machine]
    playbooks: Playbooks
    dry_run: Outcome
    installed: Outcome
    has_meter: bool
    """Whether a node has a simulated meter."""

    @property
    def nodes(self) -> list[Machine]:
        return [self.machines[name] for name in NODES]

    @property
    def broker(self) -> Machine:
        return self.machines[BROKER]

    def releases(self) -> set[str]:
        """Return the releases in use on the nodes."""
        return {node.run("readlink /opt/starling/current") for node in self.nodes}

    def scraped(self) -> set[str]:
        """Return the nodes whose metrics Prometheus has read."""
        return set(self.query('up{job="starling"} == 1'))

    def query(self, expression: str) -> dict[str, float]:
        """Query Prometheus; returns the value per node."""
        with self.broker.forwarded(9090) as url:
            query = f"{url}/api/v1/query?query={quote(expression)}"
            with urllib.request.urlopen(query) as answer:  # noqa: S310  (an http address)
                series = orjson.loads(answer.read())["data"]["result"]
        return {one["metric"]["instance"]: float(one["value"][1]) for one in series}

    def ready(self) -> set[str]:
        """Return the nodes that are ready."""
        return {node.name for node in self.nodes if node.fetch(9108, "/readyz")[0] == 200}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def wheelhouse(wheel: Path) -> Path:
    """The folder of wheels from which the machines install, because they have no network."""
    folder = image.FOLDER / "wheelhouse"
    program = image.CHECKOUT / "deploy" / "wheelhouse.py"
    for python in {system.python for system in SYSTEMS.values()}:
        kind = ["--wheel", str(wheel), "--machine", os.uname().machine, "--python", python]
        whole = subprocess.run(
            [sys.executable, program, "check", folder, "--extra=feed", "--extra=languages", *kind],
            check=False,
            capture_output=True,
        )
        if whole.returncode:
            subprocess.run([sys.executable, program, "fill", folder, *kind], check=True)
    return folder


@pytest.fixture(scope="session")
def fleet(wheel: Path, wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    network.remove_bridge()
    network.add_bridge()
    with contextlib.ExitStack() as running:
        running.callback(network.remove_bridge)
        port = running.enter_context(meter.simulated_meter(tmp_path_factory.mktemp("meter")))
        devices = {meter.NODE: {port: meter.PORT}} if port else {}
        machines = {
            name: running.enter_context(booted(name, number, system, devices.get(name, {})))
            for number, (name, system) in enumerate(SYSTEMS.items())
        }
        if port:
            meter.name_meter(machines[meter.NODE])
        addresses = {name: machine.address for name, machine in machines.items()}
        host_variables: dict[str, dict[str, Any]] = {name: {} for name in NODES}
        host_variables[LANGUAGES_NODE] |= {"starling_languages": True}
        if port:
            host_variables[meter.NODE] |= meter.VARIABLES
        folder = tmp_path_factory.mktemp("inventory")
        variables = {"starling_wheelhouse": str(wheelhouse), "starling_wheel": str(wheel)}
        playbooks = Playbooks(folder, addresses, variables, host_variables)
        # The playbook builds the wheel; later runs take the same one, which saves the time of a build. Prometheus knows
        # the models of a wheel that the playbook has built, so its role runs without a named wheel.
        dry_run = playbooks.run("site.yml", "--check", starling_wheel="")
        # New nodes have nothing to lose, and in one batch they are observed at the same time.
        installed = playbooks.run("site.yml", starling_batches=["100%"], starling_wheel="")
        assert installed.exit_code == 0, installed.output[-4000:]
        yield Fleet(machines, playbooks, dry_run, installed, has_meter=port is not None)


@pytest.fixture
def altered(wheel: Path, tmp_path: Path) -> Callable[[Change], str]:
    """Build an altered release."""
    return lambda change: str(altered_wheel(wheel, tmp_path / "altered", change))
