"""The emulated machine, a broker on this one, and the release that site.yml has installed, for all tests."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.arm.emulation import FOLDER, fill_wheelhouse
from tests.arm_system.image import image
from tests.arm_system.machine import HOST, Machine, booted
from tests.fleet.playbooks import BROKER, PROGRAM, Outcome, Playbooks
from tests.fleet.wheels import built_wheel
from tests.integration.mosquitto import PROGRAM as MOSQUITTO
from tests.integration.mosquitto import Mosquitto

NODE = "pi-4"
_HOURS = 3600


def _missing_requirement() -> str | None:
    if os.geteuid() != 0:
        return "root is needed to make the disk of the emulated machine"
    programs = ["qemu-system-aarch64", "qemu-img", "mmdebstrap", "mke2fs", "ssh"]
    missing = [program for program in programs if shutil.which(program) is None]
    if MOSQUITTO is None:
        missing.append("mosquitto")
    if not PROGRAM.exists():
        missing.append("ansible-playbook (make test-arm-system installs it)")
    if missing:
        return f"{', '.join(missing)} is missing"
    if subprocess.run(["arch-test", "arm64"], check=False, capture_output=True).returncode:
        return "this machine cannot run arm64 programs (qemu-user-static; update-binfmts --enable)"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    missing = _missing_requirement() if own else None
    for item in own:
        item.add_marker(pytest.mark.arm_system)
        item.add_marker(pytest.mark.timeout(2 * _HOURS))
        if missing:
            item.add_marker(pytest.mark.skip(reason=missing))


@dataclass(frozen=True)
class System:
    """The machine with the first release, and what it takes to install another."""

    machine: Machine
    broker: Mosquitto
    playbooks: Playbooks
    installed: Outcome

    def release(self) -> str:
        """Return the release in use."""
        return self.machine.run("readlink /opt/starling/current")

    def shown(self, *properties: str) -> dict[str, str]:
        """Return what systemd says of the service."""
        lines = self.machine.run(f"systemctl show starling --property {','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    with booted(image()) as running:
        yield running


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker"), log_type="error") as mosquitto:
        yield mosquitto


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def playbooks(machine: Machine, broker: Mosquitto, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Playbooks:
    wheelhouse = FOLDER / "wheelhouse"
    fill_wheelhouse(wheelhouse, wheel)
    variables = _variables(machine, broker) | {"starling_wheelhouse": str(wheelhouse), "starling_wheel": str(wheel)}
    groups: dict[str, Sequence[str]] = {"starling": [NODE]}
    addresses = {NODE: "127.0.0.1", BROKER: HOST}
    return Playbooks(tmp_path_factory.mktemp("inventory"), addresses, variables, {}, groups)


@pytest.fixture(scope="session")
def system(machine: Machine, broker: Mosquitto, playbooks: Playbooks) -> System:
    installed = playbooks.run("site.yml")
    assert installed.exit_code == 0, installed.output[-4000:]
    return System(machine, broker, playbooks, installed)


def _variables(machine: Machine, broker: Mosquitto) -> dict[str, Any]:
    return {
        "ansible_port": machine.ssh_port,
        "ansible_ssh_private_key_file": str(machine.image.key),
        "ansible_ssh_timeout": 60,
        "starling_broker_port": broker.port,
        # The broker on this machine knows no users.
        "starling_broker_username": "",
        "starling_broker_password": "",
        "starling_probe_username": "",
        "starling_probe_password": "",
        # An emulated processor takes several times as long.
        "starling_ready_seconds": 400,
        "starling_watch_tweets": 10,
        "starling_watch_most_seconds": 300,
    }


def labels_here(tweets: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return the labels of tweets by this machine's processor."""
    command = [sys.executable, "-m", "stream", "classify"]
    done = subprocess.run(command, input=b"\n".join(tweets.values()), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
