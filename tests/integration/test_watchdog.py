"""Signs of life for systemd, and their absence when work does not get done."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from stream.model.classifier import Classifier
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for
from tests.integration.test_observed import Observed

pytestmark = pytest.mark.broker


class Systemd:
    """The receiving end of sd_notify."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)  # noqa: FBT003

    async def next(self) -> str:
        async with asyncio.timeout(20):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 300)).decode()

    async def all_within(self, seconds: float) -> list[str]:
        said = []
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    said.append(await self.next())
        return said

    def drop_what_came(self) -> None:
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


async def test_systemd_hears_that_the_service_is_ready_and_then_that_it_lives(
    broker: Mosquitto, systemd: Systemd
) -> None:
    async with serving(settings_for(broker.port)):
        heard = [await systemd.next()]
        while heard[-1] != "READY=1\nSTATUS=ready":
            heard.append(await systemd.next())
        assert [await systemd.next() for _ in range(3)] == ["WATCHDOG=1"] * 3


async def test_a_wedged_inference_ends_the_signs_of_life(
    broker: Mosquitto, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    settings = settings_for(broker.port, limits={"stuck_seconds": 0.3})
    observed = Observed()
    classify = Classifier.probabilities

    def wedged(self: Classifier, batch: Any) -> Any:
        go_on.wait()
        return classify(self, batch)

    async with serving(settings, observed.address.set_result), probing(settings) as probe:
        monkeypatch.setattr(Classifier, "probabilities", wedged)
        assert (await observed.get("/healthz"))[0] == 200
        await probe.tweet("1")
        while (await observed.get("/healthz"))[0] == 200:
            pass
        status, text = await observed.get("/readyz")
        assert status == 503
        assert "under way for" in text
        systemd.drop_what_came()
        said = await systemd.all_within(seconds=1)
        assert said
        assert all(state.startswith("STATUS=not ready: a tweet or an inference") for state in said)
        go_on.set()
        await probe.label_of("1")
        while await systemd.next() != "WATCHDOG=1":
            pass
        assert (await observed.get("/healthz"))[0] == 200
