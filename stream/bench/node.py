"""`starling run` in a process of its own: the user's settings with another broker, other topics and a free port."""

import contextlib
import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomlkit

from stream.bench.broker import BenchBroker
from stream.errors import BenchError
from stream.settings import ENVIRONMENT_PREFIX, Settings

_KEPT_BROKER_SETTINGS = {"protocol", "receive_maximum", "keepalive_seconds", "timeout_seconds"}
_SESSION_SECONDS = 60
"""Long enough for a reconnect; afterwards the broker deletes the session."""
_START_SECONDS = 120.0
_END_SECONDS = 60.0
_POLL_SECONDS = 0.005


def node_settings(settings: Settings, broker: BenchBroker, run: str) -> dict[str, Any]:
    """Settings of the measured service.

    Args:
        settings: The user's settings.
        broker: The broker to use.
        run: The first level of all topics; also the node's name.
    """
    found = settings.model_dump(mode="json", exclude_none=True, exclude={"broker": True, "topics": True, "http": True})
    kept = settings.broker.model_dump(mode="json", include=_KEPT_BROKER_SETTINGS)
    found["broker"] = {"host": broker.host, "port": broker.port, "session_expiry_seconds": _SESSION_SECONDS, **kept}
    found["topics"] = {
        "tweets": f"{run}/in",
        "labels": f"{run}/polarity",
        "rejected": f"{run}/rejected",
        "response_prefixes": [f"{run}/"],
    }
    if "repeats" not in settings.model.model_fields_set:
        found["model"]["repeats"] = 0  # the same tweets are sent repeatedly: a cache would answer them
    found["http"] = {"host": "127.0.0.1", "port": 0}
    return found | {"node": run, "log_level": "info"}


class BenchNode:
    """A context manager that starts the service, waits until it is ready, and stops it.

    Args:
        settings: As returned by `node_settings`.
        folder: Folder for its settings file and log.
        cores: The cores that it may run on; None: all that this process may use.
    """

    def __init__(self, settings: dict[str, Any], folder: Path, cores: set[int] | None = None) -> None:
        self._config = folder / "starling.toml"
        self._log = folder / "starling.log"
        self._config.write_text(tomlkit.dumps(settings), encoding="utf-8")
        self._cores = cores
        self.ready_seconds = 0.0
        """Time from its start until it is ready to label a tweet."""

    def __enter__(self) -> Self:
        """Start the service and wait until it is ready.

        Raises:
            BenchError: It ends, or does not become ready in time.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
        started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "stream", "run", "--config", self._config], stderr=log, env=environment
            )
        if self._cores:
            os.sched_setaffinity(self._process.pid, self._cores)
        try:
            self._wait_until_ready(started + _START_SECONDS)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.ready_seconds = time.monotonic() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the service."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def _wait_until_ready(self, until: float) -> None:
        while time.monotonic() < until:
            if (code := self._process.poll()) is not None:
                lines = self._log.read_text(errors="replace").strip().splitlines()
                reason = lines[-1] if lines else "its log is empty"
                raise BenchError(f"the service ended with exit code {code}: {reason}")
            if (port := self._http_port()) and _is_ready(port):
                return
            time.sleep(_POLL_SECONDS)
        raise BenchError(f"the service was not ready within {_START_SECONDS:.0f} s")

    def _http_port(self) -> int | None:
        match = re.search(r"metrics at http://[^/]*:(\d+)/", self._log.read_text(errors="replace"))
        return int(match[1]) if match else None


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False
