import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stream.telemetry.health import Health
from stream.telemetry.systemd import Reporter, notify, report_to_systemd, watchdog_seconds
from tests.unit.waiting import until


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The address in NOTIFY_SOCKET; nothing listens there yet."""
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "3000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    return path


@pytest.fixture
def systemd(address: Path) -> Iterator[socket.socket]:
    """A socket that listens at the address."""
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
    """Return the next message that is no keep-alive signal."""
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


async def test_a_service_that_is_not_ready_reports_the_reasons_and_keep_alive_signals(
    systemd: socket.socket, reporting: asyncio.Task[None]
) -> None:
    assert [await heard(systemd) for _ in range(3)] == [
        "STATUS=not ready: the model is being loaded; the broker is not connected",
        "WATCHDOG=1",
        "WATCHDOG=1",
    ]
    await stopped(reporting)


async def test_changes_of_readiness_are_reported(
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


async def test_a_stuck_service_sends_no_keep_alive_signal_until_it_recovers(
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
    assert caplog.text.count("no keep-alive signal is sent to systemd: a tweet or an inference") == 1


async def test_a_socket_that_is_away_is_logged_once_and_the_reports_go_on(
    address: Path, health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    reporting = asyncio.create_task(report_to_systemd(health))
    await until(lambda: "cannot notify systemd" in caplog.text)
    with listening(str(address)) as systemd:
        assert "STATUS=not ready" in await heard(systemd)
        assert await heard(systemd) == "WATCHDOG=1"
    await stopped(reporting)
    assert caplog.text.count(f"cannot notify systemd at NOTIFY_SOCKET={address} (") == 2  # at the start and at the end
    assert caplog.text.count(f"systemd can be notified again at {address}") == 1


@pytest.mark.parametrize("where", ["/run/nowhere/notify", "nowhere", "vsock:2:1234", "/" + 200 * "a"])
def test_a_socket_that_does_not_exist_is_logged_once(
    health: Health, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Reporter(where, health, watchdog_seconds=3.0)
    for _ in range(10):
        reporter.report()
    reporter.report_stopping()
    assert len(caplog.records) == 1
    assert f"cannot notify systemd at NOTIFY_SOCKET={where}" in caplog.text


def test_a_socket_whose_queue_is_full_does_not_block(
    systemd: socket.socket, address: Path, health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Reporter(str(address), health, watchdog_seconds=3.0)
    for _ in range(10_000):
        reporter.report()
    assert caplog.text.count("cannot notify systemd") == 1
    assert systemd.recv(300).startswith(b"STATUS=")


@pytest.mark.parametrize("address", [None, ""])
async def test_where_systemd_does_not_listen_nothing_is_reported(
    health: Health, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    await report_to_systemd(health)


async def test_an_abstract_socket_is_reached() -> None:
    with listening("\0starling-test") as systemd:
        notify("@starling-test", "STATUS=well")
        assert await heard(systemd) == "STATUS=well"


def messages(listener: socket.socket) -> list[str]:
    """Return all messages that have arrived."""
    received = []
    with suppress(BlockingIOError):
        while True:
            received.append(listener.recv(300).decode())
    return received


def test_without_a_watchdog_no_keep_alive_signal_is_sent(systemd: socket.socket, address: Path, health: Health) -> None:
    reporter = Reporter(str(address), health, watchdog_seconds=None)
    reporter.report()
    reporter.report()
    assert [message.partition(":")[0] for message in messages(systemd)] == ["STATUS=not ready"]


def test_a_stopping_service_reports_it_once(systemd: socket.socket, address: Path, health: Health) -> None:
    health.model_loaded = health.broker_connected = True
    reporter = Reporter(str(address), health, watchdog_seconds=None)
    reporter.report()
    health.stopping = True
    reporter.report()
    reporter.report_stopping()
    assert messages(systemd) == [
        "READY=1\nSTATUS=ready",
        "STOPPING=1\nSTATUS=not ready: the service is stopping",
    ]


async def test_a_service_that_ends_before_it_was_ready_reports_that_it_stops(
    systemd: socket.socket, reporting: asyncio.Task[None]
) -> None:
    await heard(systemd)
    await stopped(reporting)
    assert messages(systemd)[-1] == "STOPPING=1\nSTATUS=stopping"


@pytest.mark.parametrize("is_ready", [True, False])
def test_a_reload_is_reported_from_its_begin_to_its_end(
    systemd: socket.socket, address: Path, health: Health, *, is_ready: bool
) -> None:
    health.model_loaded = health.broker_connected = True
    reporter = Reporter(str(address), health, watchdog_seconds=None)
    reporter.report()
    health.broker_connected = is_ready
    health.reloads_requested = 1
    before = time.monotonic_ns() // 1000
    reporter.report()
    reporter.report()
    _, begin = messages(systemd)
    health.reloads_done = 1
    reporter.report()
    reporter.report()
    (end,) = messages(systemd)
    reloading, monotonic, _ = begin.split("\n")
    assert reloading == "RELOADING=1"
    assert before <= int(monotonic.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert end.startswith("READY=1\nSTATUS=ready" if is_ready else "READY=1\nSTATUS=not ready: the broker")


def test_a_reload_that_ended_between_two_reports_is_reported(
    systemd: socket.socket, address: Path, health: Health
) -> None:
    health.model_loaded = health.broker_connected = True
    reporter = Reporter(str(address), health, watchdog_seconds=None)
    reporter.report()
    health.reloads_requested = health.reloads_done = 2
    reporter.report()
    assert [message.split("\n")[0] for message in messages(systemd)] == ["READY=1", "RELOADING=1", "READY=1"]


def test_a_reload_before_the_service_was_ready_does_not_make_it_ready(
    systemd: socket.socket, address: Path, health: Health
) -> None:
    reporter = Reporter(str(address), health, watchdog_seconds=None)
    health.reloads_requested = 1
    reporter.report()
    health.reloads_done = 1
    reporter.report()
    assert [message.partition(":")[0] for message in messages(systemd)] == ["STATUS=not ready"]


@pytest.mark.parametrize(("microseconds", "seconds"), [("1500000", 1.5), ("30000000", 30.0), (None, None)])
def test_the_watchdogs_time_is_read(
    monkeypatch: pytest.MonkeyPatch, microseconds: str | None, seconds: float | None
) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if microseconds is not None:
        monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    assert watchdog_seconds() == seconds


@pytest.mark.parametrize("value", ["", "0", "abc", "-5", "1.5", "1_000", "٣", " 3", "9" * 5000, "1e6"])
def test_a_malformed_watchdog_time_is_ignored(
    monkeypatch: pytest.MonkeyPatch, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", value)
    assert watchdog_seconds() is None
    assert len(caplog.records) == bool(value)


@pytest.mark.parametrize(
    ("process", "is_watched"),
    [(str(os.getpid()), True), ("1", False), ("", False), ("abc", False), ("9" * 5000, False)],
    ids=["this one", "another", "none", "not a number", "too large a number"],
)
def test_the_watchdog_of_another_process_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, process: str, *, is_watched: bool
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", process)
    assert (watchdog_seconds() is not None) == is_watched


@pytest.mark.parametrize(("watchdog", "interval"), [(1.5, 0.5), (30.0, 1.0), (None, 1.0), (1e-6, 0.001)])
def test_reports_come_at_least_three_times_in_the_watchdogs_time(
    health: Health, watchdog: float | None, interval: float
) -> None:
    assert Reporter("/run/nowhere", health, watchdog).interval_seconds == interval
