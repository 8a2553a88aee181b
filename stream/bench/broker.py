"""The broker of a benchmark: a Mosquitto started for it, or the address of a running broker."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stream.bench.machine import program_version
from stream.errors import BrokerError
from stream.free_port import free_port
from stream.settings import BrokerSettings

_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
persistence true
persistence_location {folder}/
user {user}
log_dest none
"""
_START_SECONDS = 10.0


@dataclass(frozen=True)
class BenchBroker:
    """Address of the broker, and its process id and version if it was started here."""

    host: str
    port: int
    pid: int | None = None
    version: str | None = None


@contextmanager
def bench_broker(address: BrokerSettings | None, folder: Path) -> Iterator[BenchBroker]:
    """Provide a broker.

    Args:
        address: A running broker; None: a Mosquitto is started, without a queue limit and without Nagle's algorithm.
        folder: Folder for its files.

    Raises:
        BrokerError: Mosquitto is not installed, or does not start.
    """
    if address:
        yield BenchBroker(address.host, address.port)
        return
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise BrokerError(
            "mosquitto is not on PATH or in /usr/sbin: install it (Debian: apt install mosquitto), or name a running "
            "broker with --broker HOST:PORT"
        )
    port = free_port()
    configuration = folder / "mosquitto.conf"
    # Started as root, Mosquitto would switch to a user that cannot write here.
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, user=folder.owner()))
    with subprocess.Popen([program, "-c", configuration], stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            _wait_until_listening(port, process)
            yield BenchBroker("127.0.0.1", port, process.pid, program_version(program, "-h"))
        finally:
            process.terminate()


def _wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise BrokerError(f"mosquitto did not start (exit code {process.poll()})")
