"""Keep-alive messages for systemd, and their absence while the service is stuck."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stream.model.classifier import Classifier
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import Node
from tests.integration.test_observed import Observed

pytestmark = pytest.mark.broker


class Systemd:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)  # noqa: FBT003

    async def next(self) -> str:
        return (await asyncio.get_running_loop().sock_recv(self._socket, 300)).decode()

    def discard_received(self) -> None:
        while True:
            try:
                self._socket.recv(100)
            except BlockingIOError:
                return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    listener = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    yield listener
    listener.close()


async def test_systemd_receives_ready_and_then_keep_alive_messages(broker: Mosquitto, systemd: Systemd) -> None:
    async with serving(settings_for(broker.port)):
        while await systemd.next() != "READY=1\nSTATUS=ready":
            pass
        assert [await systemd.next() for _ in range(3)] == ["WATCHDOG=1"] * 3


async def test_a_stuck_inference_stops_the_keep_alive_messages(
    broker: Mosquitto, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    settings = settings_for(broker.port, limits={"stuck_seconds": 0.3})
    observed = Observed()
    classify = Classifier.probabilities

    def stuck(self: Classifier, batch: Any) -> Any:
        go_on.wait()
        return classify(self, batch)

    async with serving(settings, observed.address.set_result), probing(settings) as probe, released(go_on):
        monkeypatch.setattr(Classifier, "probabilities", stuck)
        assert (await observed.get("/healthz"))[0] == 200
        await probe.tweet("1")
        while (await observed.get("/healthz"))[0] == 200:
            pass
        status, text = await observed.get("/readyz")
        assert status == 503
        assert "under way for" in text
        systemd.discard_received()
        # The text has whole seconds, so the service reported several times between the first message and the third.
        messages = [await systemd.next() for _ in range(3)]
        assert all(message.startswith("STATUS=not ready: a tweet or an inference") for message in messages)
        go_on.set()
        await probe.label_of("1")
        while await systemd.next() != "WATCHDOG=1":
            pass
        assert (await observed.get("/healthz"))[0] == 200


@asynccontextmanager
async def released(event: threading.Event) -> AsyncIterator[None]:
    """Set the event at the end, since the service cannot stop while an inference waits for it."""
    try:
        yield
    finally:
        event.set()


@pytest.mark.parametrize("period", ["", "abc", "-1"])
async def test_a_missing_notify_socket_is_logged_once_and_a_malformed_watchdog_time_is_ignored(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    monkeypatch.setenv("WATCHDOG_USEC", period)
    settings = settings_for(broker.port)
    log = tmp_path / "log"
    async with Node(write_config(tmp_path, settings, 0), log) as node, probing(settings) as probe:
        await node.ready()
        await probe.tweet("1")
        await probe.label_of("1")
        node.tell_to_stop()
        assert await node.stopped() == 0
    assert log.read_text().count("cannot notify systemd") == 1
    assert "Traceback" not in log.read_text()
