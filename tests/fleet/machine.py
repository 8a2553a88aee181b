"""A machine of the fleet: Debian or Ubuntu, booted by systemd-nspawn, in a network namespace of its own."""

import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import image, network
from tests.fleet.image import System

_BOOT_SECONDS = 60
_LOGIN_OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


@dataclass(frozen=True)
class Machine:
    """A machine that runs, and can be logged in to."""

    name: str
    number: int
    root: Path

    @property
    def address(self) -> str:
        """Where it is reached."""
        return network.address(self.number)

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a command as root and return what it printed."""
        done = subprocess.run(self._login(command), capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def fetch(self, port: int, path: str) -> tuple[int, str]:
        """Ask for a page, as a stranger on the network does; returns its status and what it says."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def answers(self) -> bool:
        """Whether it can be logged in to and its start is over."""
        return self.run("systemctl is-system-running", check=False) in {"running", "degraded"}

    def _login(self, command: str) -> list[str]:
        key = str(image.ssh_key())
        target = f"{image.USER}@{self.address}"
        return ["ssh", "-i", key, *_LOGIN_OPTIONS, "-o", "ConnectTimeout=2", target, f"sudo sh -c {_quoted(command)}"]


@contextmanager
def booted(name: str, number: int, system: System, devices: Mapping[str, str]) -> Iterator[Machine]:
    """A machine, for as long as the context lasts; what it wrote is thrown away after it.

    Args:
        name: Its host name.
        number: Its place in the network.
        system: What it runs.
        devices: Devices of the host's, and by what names the machine has them.
    """
    folder = image.FOLDER / "machines" / name
    root = folder / "root"
    with _writable(system.root, folder):
        namespace = network.lay_cable(name, number)
        (root / "etc/hostname").write_text(f"{name}\n", encoding="utf-8")
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{network.address(number)} {name}\n", encoding="utf-8")
        with (folder / "console").open("wb") as console, _process(_boot(name, root, namespace, devices), console):
            machine = Machine(name, number, root)
            _wait_until_up(machine)
            # Package lists as old as the image would have apt ask for newer ones.
            machine.run("touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp")
            try:
                yield machine
            finally:
                machine.run("systemctl poweroff", check=False)
        network.remove_cable(name)


def _boot(name: str, root: Path, namespace: str, devices: Mapping[str, str]) -> list[str]:
    # `ip netns exec` would mount another /sys, in which nspawn does not find its control groups.
    own_network = f"--network-namespace-path={namespace}"
    options = ["--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no"]
    bound = [f"--bind={device}:{inside}" for device, inside in devices.items()]
    return ["systemd-nspawn", *options, own_network, *bound, f"--machine={name}", "-D", str(root)]


@contextmanager
def _writable(base: Path, folder: Path) -> Iterator[None]:
    """Lay a folder for what is written over the base, so that machines take no time and little room."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("root", "written", "work"):
        (folder / part).mkdir(parents=True)
    layers = f"lowerdir={base},upperdir={folder / 'written'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(folder / "root")], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(folder / "root")], check=False)


@contextmanager
def _process(command: list[str], console: object) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)  # type: ignore[call-overload]
    try:
        yield
    finally:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


def _wait_until_up(machine: Machine) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while not machine.answers():
        if time.monotonic() > deadline:
            console = (machine.root.parent / "console").read_text(encoding="utf-8", errors="replace")
            raise TimeoutError(f"{machine.name} did not come up in {_BOOT_SECONDS} s: {console[-2000:]}")
        time.sleep(0.2)


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"
