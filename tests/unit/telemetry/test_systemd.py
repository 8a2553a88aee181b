import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stream.telemetry import systemd as notifier
from stream.telemetry.health import Health
from stream.telemetry.systemd import notify, report_to_systemd
from tests.unit.waiting import until


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where systemd listens, as it says; nobody is there yet."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    return path


@pytest.fixture
def systemd(address: Path) -> Iterator[socket.socket]:
    """Somebody there."""
    with listening(str(address)) as listener:
        yield listener


def listening(address: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.setblocking(False)  # noqa: FBT003  (the library's signature)
    return listener


async def heard(listener: socket.socket) -> str:
    return (await asyncio.get_running_loop().sock_recv(listener, 300)).decode()


async def next_state(listener: socket.socket) -> str:
    """What is said next beside signs of life."""
    while (said := await heard(listener)) == "WATCHDOG=1":
        pass
    return said


@pytest.fixture
def health() -> Health:
    return Health(stuck_seconds=60)


@pytest.fixture
async def reporting(health: Health, address: Path) -> asyncio.Task[None]:  # noqa: ARG001  (the address is set first)
    return asyncio.create_task(report_to_systemd(health))


async def stopped(reporting: asyncio.Task[None]) -> None:
    reporting.cancel()
    with suppress(asyncio.CancelledError):
        await reporting


async def test_a_service_that_is_not_ready_says_why_and_that_it_lives(
    systemd: socket.socket, reporting: asyncio.Task[None]
) -> None:
    assert [await heard(systemd) for _ in range(3)] == [
        "STATUS=not ready: the model is being loaded; the broker is not connected",
        "WATCHDOG=1",
        "WATCHDOG=1",
    ]
    await stopped(reporting)


async def test_a_service_says_when_it_is_ready_and_when_it_is_so_no_more(
    systemd: socket.socket, health: Health, reporting: asyncio.Task[None]
) -> None:
    assert (await next_state(systemd)).startswith("STATUS=not ready: the model is being loaded")
    health.model_loaded = health.broker_connected = True
    assert await next_state(systemd) == "READY=1\nSTATUS=ready"
    health.broker_connected = False
    assert await next_state(systemd) == "STATUS=not ready: the broker is not connected"
    health.broker_connected = True
    assert await next_state(systemd) == "READY=1\nSTATUS=ready"
    await stopped(reporting)


async def test_a_stuck_service_gives_no_sign_of_life_until_it_moves(
    systemd: socket.socket, health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    age_seconds = 61.0
    with health.watching(lambda: age_seconds):
        reporting = asyncio.create_task(report_to_systemd(health))
        said = [await heard(systemd)]
        age_seconds = 62.0
        said.append(await heard(systemd))
        age_seconds = 0.0
        while await heard(systemd) != "WATCHDOG=1":
            pass
    await stopped(reporting)
    assert [state.rpartition(" for ")[2] for state in said] == ["61 s", "62 s"]
    assert caplog.text.count("no sign of life for systemd: a tweet or an inference") == 1


async def test_a_socket_that_is_away_for_a_while_does_not_end_the_reports(
    address: Path, reporting: asyncio.Task[None], caplog: pytest.LogCaptureFixture
) -> None:
    await until(lambda: "systemd cannot be told how the service is" in caplog.text)
    with listening(str(address)) as systemd:
        assert "STATUS=not ready" in await heard(systemd)
        assert await heard(systemd) == "WATCHDOG=1"
    await stopped(reporting)


async def test_where_systemd_does_not_listen_nothing_is_reported(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    await report_to_systemd(health)
    notify("READY=1")


async def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening("\0starling-test") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", "@starling-test")
        notify("STATUS=well")
        assert await heard(systemd) == "STATUS=well"


@pytest.mark.parametrize(("microseconds", "seconds"), [("1500000", 0.5), ("30000000", 1.0), ("0", 1.0), (None, 1.0)])
def test_a_sign_of_life_comes_at_least_three_times_as_often_as_systemd_wants_it(
    monkeypatch: pytest.MonkeyPatch, microseconds: str | None, seconds: float
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if microseconds is not None:
        monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    assert notifier._look_seconds() == seconds
