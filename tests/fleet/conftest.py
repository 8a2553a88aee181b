"""Three nodes and a hub with broker and Prometheus: booted, made a fleet by site.yml, used by all tests in turn."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.fleet import image, meter, network
from tests.fleet.machine import Machine, booted
from tests.fleet.playbooks import BROKER, NODES, PROGRAM, Outcome, Playbooks
from tests.fleet.wheels import Change, altered_wheel, built_wheel

SYSTEMS = {BROKER: image.BOOKWORM} | dict(zip(NODES, (image.BOOKWORM, image.TRIXIE, image.NOBLE), strict=True))
_MINUTES = 60
_ORDER = (
    "test_site test_meter test_dashboards test_refusals test_benchmark test_rollout test_tls test_uninstall".split()  # noqa: SIM905
)


def _what_is_missing() -> str | None:
    if os.geteuid() != 0:
        return "booting machines needs root"
    programs = ["systemd-nspawn", "mmdebstrap", "ssh", "ip"]
    missing = [program for program in programs if shutil.which(program) is None]
    if not PROGRAM.exists():
        missing.append("ansible-playbook (make test-fleet installs it)")
    return f"there is no {', '.join(missing)}" if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _what_is_missing()
    items.sort(key=_place)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)
            item.add_marker(pytest.mark.timeout(40 * _MINUTES))
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def _place(item: pytest.Item) -> int:
    """A fleet is made, looked at, used, and taken away; the tests of other folders keep their places."""
    is_of_the_fleet = item.path.parent == Path(__file__).parent and item.path.stem in _ORDER
    return _ORDER.index(item.path.stem) if is_of_the_fleet else -1


@dataclass(frozen=True)
class Fleet:
    """The machines, the playbooks, and how the first two runs went."""

    machines: dict[str, Machine]
    playbooks: Playbooks
    rehearsed: Outcome
    made: Outcome
    has_meter: bool
    """Whether one of the nodes has a simulated one."""

    @property
    def nodes(self) -> list[Machine]:
        return [self.machines[name] for name in NODES]

    @property
    def broker(self) -> Machine:
        return self.machines[BROKER]

    def releases(self) -> set[str]:
        """What the nodes' links name."""
        return {node.run("readlink /opt/starling/current") for node in self.nodes}

    def scraped(self) -> set[str]:
        """The nodes whose metrics Prometheus has had."""
        return set(self.asked('up{job="starling"} == 1'))

    def asked(self, query: str) -> dict[str, float]:
        """What Prometheus answers, by node."""
        _, answer = self.broker.fetch(9090, f"/api/v1/query?query={quote(query)}")
        series = orjson.loads(answer)["data"]["result"]
        return {one["metric"]["instance"]: float(one["value"][1]) for one in series}

    def ready(self) -> set[str]:
        """The nodes that are ready."""
        return {node.name for node in self.nodes if node.fetch(9108, "/readyz")[0] == 200}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def wheelhouse(wheel: Path) -> Path:
    """What the machines install from, for they reach no registry."""
    folder = image.FOLDER / "wheelhouse"
    program = image.CHECKOUT / "deploy" / "wheelhouse.py"
    for python in {system.python for system in SYSTEMS.values()}:
        kind = ["--wheel", str(wheel), "--machine", os.uname().machine, "--python", python]
        whole = subprocess.run([sys.executable, program, "check", folder, *kind], check=False, capture_output=True)
        if whole.returncode:
            subprocess.run([sys.executable, program, "fill", folder, *kind], check=True)
    return folder


@pytest.fixture(scope="session")
def fleet(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    network.remove_bridge()
    network.lay_bridge()
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
        of_hosts = {meter.NODE: meter.VARIABLES} if port else {}
        folder = tmp_path_factory.mktemp("inventory")
        playbooks = Playbooks(folder, addresses, {"starling_wheelhouse": str(wheelhouse)}, of_hosts)
        rehearsed = playbooks.run("site.yml", "--check")
        made = playbooks.run("site.yml")
        assert made.exit_code == 0, made.output[-4000:]
        yield Fleet(machines, playbooks, rehearsed, made, has_meter=port is not None)


@pytest.fixture
def altered(wheel: Path, tmp_path: Path) -> Callable[[Change], str]:
    """Make another release."""
    return lambda change: str(altered_wheel(wheel, tmp_path / "altered", change))
