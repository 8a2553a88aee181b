"""An emulated ARM machine that starts from the image, and is reached by ssh."""

import contextlib
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.free_port import free_port
from tests.arm_system.image import USER, Image

HOST = "10.0.2.2"
"""Address of this machine, as the emulated one sees it."""
HTTP_PORT = 9108
_BOOT_SECONDS = 900
_COMMAND_SECONDS = 300
_HARDWARE = "-machine virt -cpu cortex-a72 -smp 2 -m 1500 -accel tcg,thread=multi -nographic -no-reboot"
_KERNEL_OPTIONS = "console=ttyAMA0 net.ifnames=0 quiet"
_SSH_OPTIONS = (
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=60 "
    "-o ControlMaster=auto -o ControlPersist=600"
)


@dataclass(frozen=True)
class Machine:
    """A running machine.

    Args:
        image: The image that it started from.
        folder: Folder of its overlay and its console.
        ssh_port: Port of this machine that leads to its ssh.
        http_port: Port of this machine that leads to the service's HTTP.
    """

    image: Image
    folder: Path
    ssh_port: int
    http_port: int

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a command as root and return what it printed."""
        # The first call leaves a process that keeps the connection, and keeps its standard error open.
        with (self.folder / "ssh.log").open("ab") as log:
            done = subprocess.run(
                [*self._ssh(), f"sudo sh -c {shlex.quote(command)} 2>&1"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}")
        return done.stdout.strip()

    def state(self) -> str:
        """Return what systemd says of the whole system; empty before it can be reached."""
        return self.run("systemctl is-system-running", check=False)

    def console(self) -> str:
        """Return what it wrote on its serial line."""
        return (self.folder / "console").read_text(encoding="utf-8", errors="replace")

    def _ssh(self) -> list[str]:
        control = ["-o", f"ControlPath={self.folder}/ssh"]
        return [
            "ssh",
            "-i",
            str(self.image.key),
            *_SSH_OPTIONS.split(),
            *control,
            "-p",
            str(self.ssh_port),
            f"{USER}@127.0.0.1",
        ]


@contextlib.contextmanager
def booted(image: Image) -> Iterator[Machine]:
    """Run a machine in the context; what it wrote to its disk is discarded afterwards."""
    # A short path, for ssh's socket.
    with tempfile.TemporaryDirectory(prefix="pi-") as name:
        folder = Path(name)
        overlay = folder / "disk.qcow2"
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b"]
        subprocess.run([*create, image.disk, overlay], check=True)
        machine = Machine(image, folder, free_port(), free_port())
        with (folder / "qemu.log").open("wb") as log:
            process = subprocess.Popen(_command(machine, overlay), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_up(machine, process)
            yield machine
        finally:
            process.kill()
            process.wait()


def _command(machine: Machine, overlay: Path) -> list[str]:
    image = machine.image
    forwards = f"hostfwd=tcp:127.0.0.1:{machine.ssh_port}-:22,hostfwd=tcp:127.0.0.1:{machine.http_port}-:{HTTP_PORT}"
    kernel = ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", _KERNEL_OPTIONS]
    # The machine's disk is thrown away, so nothing of it needs to reach this machine's.
    disk = ["-drive", f"file={overlay},if=virtio,format=qcow2,cache=unsafe"]
    network = ["-netdev", f"user,id=net,{forwards}", "-device", "virtio-net-pci,netdev=net,romfile="]
    serial = ["-serial", f"file:{machine.folder / 'console'}", "-monitor", "none"]
    return ["qemu-system-aarch64", *_HARDWARE.split(), *kernel, *disk, *network, "-device", "virtio-rng-pci", *serial]


def _wait_until_up(machine: Machine, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while (state := machine.state()) != "running":
        if state == "degraded":
            raise AssertionError(machine.run("systemctl --failed --no-legend"))
        if process.poll() is not None or time.monotonic() > deadline:
            log = (machine.folder / "qemu.log").read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"it did not start: {log}{machine.console()[-4000:]}")
        time.sleep(0.5)
