"""A Mosquitto of our own for as long as a benchmark lasts, or the address of another broker."""

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
    """Where the broker is, and, if it is ours, which process."""

    host: str
    port: int
    pid: int | None = None
    version: str | None = None


@contextmanager
def bench_broker(address: BrokerSettings | None, folder: Path) -> Iterator[BenchBroker]:
    """Give a broker.

    Args:
        address: One that runs somewhere; None: a Mosquitto is started, which keeps every message and sends at once.
        folder: Where its files go.

    Raises:
        BrokerError: There is no Mosquitto, or it does not start.
    """
    if address:
        yield BenchBroker(address.host, address.port)
        return
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise BrokerError(
            "there is no mosquitto on PATH or in /usr/sbin: install it (Debian: apt install mosquitto), or name a "
            "broker with --broker HOST:PORT"
        )
    port = free_port()
    configuration = folder / "mosquitto.conf"
    # As root it would become a user that cannot write here.
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
