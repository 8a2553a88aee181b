"""A real Mosquitto that the tests start and kill."""

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.free_port import free_port

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
_BASE = """\
listener {port} 127.0.0.1
set_tcp_nodelay true
persistence true
persistence_location {disk}/
max_queued_messages 0
log_dest stderr
log_type {log_type}
{user}
"""


class Mosquitto:
    """A separate broker for a test; a context manager that runs it and can restart it.

    Args:
        folder: Folder for its configuration and its log.
        options: Additional lines of its configuration.
        disk: Folder to which it saves its messages; None: the same folder.
        log_type: Kind of log lines; "all", which `until_logged` needs, means several lines for each message.
    """

    def __init__(
        self,
        folder: Path,
        options: str = "allow_anonymous true",
        *,
        disk: Path | None = None,
        log_type: str = "all",
    ) -> None:
        self.port = free_port()
        self._database = (disk or folder) / "mosquitto.db"
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        user = f"user {folder.owner()}"  # Mosquitto started by root would change to a user that cannot write here
        base = _BASE.format(port=self.port, disk=disk or folder, user=user, log_type=log_type)
        self._config.write_text(base + options + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGKILL)

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        assert PROGRAM
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", self._config], stderr=log)
        wait_until_listening(self.port, self._process)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the broker."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(timeout=10)
            self._process = None

    @property
    def pid(self) -> int:
        """Process id of the broker."""
        assert self._process
        return self._process.pid

    async def until_logged(self, text: str) -> None:
        """Wait until the broker's log contains a text."""
        while text not in self._log.read_text(errors="replace"):  # noqa: ASYNC110  (the file gives no event)
            await asyncio.sleep(0.01)

    def reload(self) -> None:
        """Make the broker read its passwords and access rules again."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def save(self) -> None:
        """Make the broker write its messages to disk, and wait until they are written."""
        self._database.unlink(missing_ok=True)
        self.ask_to_save()
        while not self._database.exists():  # Mosquitto writes to another name and renames the complete file
            assert self._process
            assert self._process.poll() is None

    def ask_to_save(self) -> None:
        """Make the broker write its messages to disk, if it can."""
        assert self._process
        self._process.send_signal(signal.SIGUSR1)


def password_options(folder: Path, passwords: Mapping[str, str], access_rules: str = "") -> str:
    """Make the broker ask for passwords; without rules, each user may read and write everything."""
    password_file, rules = folder / "passwords", folder / "rules"
    password_file.touch(mode=0o600)
    for user, password in passwords.items():
        subprocess.run(["mosquitto_passwd", "-b", password_file, user, password], check=True)
    rules.write_text(access_rules or "".join(f"user {user}\ntopic readwrite #\n" for user in passwords))
    return f"allow_anonymous false\npassword_file {password_file}\nacl_file {rules}"


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the broker accepts a connection.

    Raises:
        RuntimeError: The process ended.
    """
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            continue
        return
    raise RuntimeError(f"mosquitto ended with exit code {process.returncode}")
