"""A machine of the fleet: Debian or Ubuntu, booted by systemd-nspawn in its own network namespace."""

import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stream.free_port import free_port
from tests.fleet import image, network
from tests.fleet.image import System

_BOOT_SECONDS = 60
_LOGIN_OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


@dataclass(frozen=True)
class Machine:
    """A running machine."""

    name: str
    number: int
    root: Path

    @property
    def address(self) -> str:
        """IP address."""
        return network.address(self.number)

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a command as root and return what it printed."""
        done = subprocess.run(self._login(command), capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def fetch(self, port: int, path: str) -> tuple[int, str]:
        """Request a page over HTTP without a password; returns its status and text."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @contextmanager
    def forwarded(self, port: int) -> Iterator[str]:
        """Make a port of the machine's own address reachable in the context; yields its URL."""
        here = free_port()
        *options, target, _ = self._login("")
        command = [*options, "-o", "ExitOnForwardFailure=yes", "-N", "-L", f"127.0.0.1:{here}:127.0.0.1:{port}", target]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as forwarding:
            try:
                _wait_until_open(here, forwarding)
                yield f"http://127.0.0.1:{here}"
            finally:
                forwarding.terminate()

    def answers(self) -> bool:
        """Return whether it accepts logins and has finished booting."""
        return self.run("systemctl is-system-running", check=False) in {"running", "degraded"}

    def _login(self, command: str) -> list[str]:
        key = str(image.ssh_key())
        target = f"{image.USER}@{self.address}"
        return ["ssh", "-i", key, *_LOGIN_OPTIONS, "-o", "ConnectTimeout=2", target, f"sudo sh -c {_quoted(command)}"]


@contextmanager
def booted(name: str, number: int, system: System, devices: Mapping[str, str]) -> Iterator[Machine]:
    """Run a machine in the context; its files are discarded afterwards.

    Args:
        name: Host name.
        number: Number that determines its address.
        system: Its distribution.
        devices: Device files of the host, with their names in the machine.
    """
    folder = image.FOLDER / "machines" / name
    root = folder / "root"
    with _writable(system.root, folder):
        namespace = network.add_link(name, number)
        (root / "etc/hostname").write_text(f"{name}\n", encoding="utf-8")
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{network.address(number)} {name}\n", encoding="utf-8")
        with (folder / "console").open("wb") as console, _process(_boot(name, root, namespace, devices), console):
            machine = Machine(name, number, root)
            _wait_until_up(machine)
            # Otherwise apt would try to update package lists that are as old as the image.
            machine.run("touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp")
            try:
                yield machine
            finally:
                machine.run("systemctl poweroff", check=False)
        network.remove_link(name)


def _boot(name: str, root: Path, namespace: str, devices: Mapping[str, str]) -> list[str]:
    # `ip netns exec` would mount another /sys, without the control groups that nspawn needs.
    own_network = f"--network-namespace-path={namespace}"
    options = ["--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no"]
    bound = [f"--bind={device}:{inside}" for device, inside in devices.items()]
    return ["systemd-nspawn", *options, own_network, *bound, f"--machine={name}", "-D", str(root)]


@contextmanager
def _writable(base: Path, folder: Path) -> Iterator[None]:
    """Mount a writable layer over the base folder, which is faster and smaller than a copy."""
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
            raise TimeoutError(f"{machine.name} did not boot within {_BOOT_SECONDS} s: {console[-2000:]}")
        time.sleep(0.2)


def _wait_until_open(port: int, forwarding: subprocess.Popen[bytes]) -> None:
    while forwarding.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise OSError(f"ssh cannot forward a port: exit code {forwarding.returncode}")


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"
