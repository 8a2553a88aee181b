"""The meter's reader with the real firmware: connection, reset, disconnection, reconnection."""

import asyncio
import logging
import os
import pty
import tty
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from serial_asyncio_fast import SerialTransport

from stream.errors import MeterError
from stream.power import link as link_module
from stream.power.current import Calibration
from stream.power.frames import Identity, Rejection
from stream.power.link import open_meter
from stream.power.meter import SerialMeter
from stream.power.reading import Reading
from stream.power.simulator import simulated_uno
from tests.power.examples import PERIOD_SECONDS, line, sample, sample_line

FIVE_VOLTS = Calibration(supply_volts=5.0)
IDENTITY = line("I1,starling-meter,5,32768,1923")


async def take(readings: AsyncGenerator[Reading], count: int) -> list[Reading]:
    return [await anext(readings) for _ in range(count)]


async def after_a_gap(readings: AsyncGenerator[Reading]) -> Reading:
    while not (reading := await anext(readings)).gap_seconds:
        pass
    return reading


def sequence(reading: Reading) -> int:
    assert reading.sample is not None
    return reading.sample.sequence


async def test_readings_match_the_simulated_current(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.2, "noise": 0.0035}) as uno:
        meter = SerialMeter(uno.port, FIVE_VOLTS)
        async with aclosing(meter.readings()) as readings:
            (reading,) = await take(readings, 1)
    assert reading.watts.value == pytest.approx(6.0, abs=0.05)
    assert reading.volts is not None
    assert reading.volts.value == 5.0
    assert meter.health.up


async def test_a_simulated_meter_is_named_simulated(simulator: Path, tmp_path: Path) -> None:
    async with simulated_uno(simulator, link=tmp_path / "uno"):
        assert SerialMeter(str(tmp_path / "uno"), FIVE_VOLTS).name == "acs712-simulated"
    assert SerialMeter("/dev/ttyACM0", FIVE_VOLTS).name == "acs712"


async def test_the_reader_waits_for_an_uno_that_resets_on_opening(simulator: Path) -> None:
    async with (
        simulated_uno(simulator, options=["--reset-on-open", "--boot", "1.6"]) as uno,
        aclosing(SerialMeter(uno.port, FIVE_VOLTS).readings()) as readings,
    ):
        first, second = await take(readings, 2)
    assert first.sample is not None
    assert second.sample is not None
    assert second.sample.sequence == first.sample.sequence + 1


async def test_a_reset_is_a_gap_without_lost_frames(simulator: Path) -> None:
    async with simulated_uno(simulator, options=["--boot", "0.5"]) as uno:
        meter = SerialMeter(uno.port, FIVE_VOLTS)
        async with aclosing(meter.readings()) as readings:
            before = (await take(readings, 2))[-1]
            uno.set(reset=1)
            while sequence(reading := await anext(readings)) > sequence(before):
                before = reading
    assert meter.health.lost == 0


def test_the_gap_of_a_reset_is_the_time_without_a_window() -> None:
    meter = SerialMeter("/dev/ttyACM0", FIVE_VOLTS)
    meter.identity = Identity(5, None, 1923)
    meter.reading(sample(10), 100.0)
    assert meter.reading(sample(0), 103.0).gap_seconds == pytest.approx(3.0 - PERIOD_SECONDS)
    assert meter.health.lost == 0


async def test_a_disconnected_meter_is_logged_and_read_again_after_reconnecting(
    simulator: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = tmp_path / "uno"
    meter = SerialMeter(str(port), FIVE_VOLTS)
    async with aclosing(meter.readings()) as readings:
        async with simulated_uno(simulator, link=port):
            await take(readings, 2)
        waiting = asyncio.ensure_future(after_a_gap(readings))
        while meter.health.up:  # noqa: ASYNC110  (the service has no use for an event)
            await asyncio.sleep(0.01)
        assert meter.health.error is not None
        async with simulated_uno(simulator, link=port):
            reading = await waiting
    assert reading.gap_seconds > 0
    assert meter.health.connections == 2
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1


class OtherEnd:
    """The other end of a port, which sends given data when it is asked to identify itself."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.port = os.ttyname(self._theirs)
        self._answer = b""
        asyncio.get_running_loop().add_reader(self._ours, self._asked)

    def answers(self, *lines: bytes) -> None:
        self._answer = IDENTITY + b"".join(lines)

    def says(self, data: bytes) -> None:
        self._answer = data

    def _asked(self) -> None:
        if b"I\n" in os.read(self._ours, 100):
            os.write(self._ours, self._answer)
            self._answer = b""

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
async def uno() -> AsyncIterator[OtherEnd]:
    end = OtherEnd()
    yield end
    end.close()


async def connected_error(meter: SerialMeter) -> str:
    """Return the error that makes the meter go down."""
    async with aclosing(meter.readings()) as readings:
        waiting = asyncio.ensure_future(anext(readings))
        while meter.health.error is None:  # noqa: ASYNC110  (the service has no use for an event)
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    return meter.health.error


async def test_lost_frames_are_counted_and_their_time_is_a_gap(uno: OtherEnd) -> None:
    meter = SerialMeter(uno.port, FIVE_VOLTS)
    uno.answers(sample_line(sample(10)), sample_line(sample(14)))
    async with aclosing(meter.readings()) as readings:
        first, second = await take(readings, 2)
    assert first.gap_seconds == 0
    assert second.gap_seconds == pytest.approx(3 * PERIOD_SECONDS)
    assert (meter.health.frames, meter.health.lost) == (2, 3)


async def test_an_overflow_of_the_sequence_is_no_gap(uno: OtherEnd) -> None:
    meter = SerialMeter(uno.port, FIVE_VOLTS)
    uno.answers(sample_line(sample(2**32 - 1)), sample_line(sample(0)))
    async with aclosing(meter.readings()) as readings:
        assert [reading.gap_seconds for reading in await take(readings, 2)] == [0, 0]
    assert meter.health.lost == 0


async def test_damaged_lines_are_counted_by_reason(uno: OtherEnd) -> None:
    meter = SerialMeter(uno.port, FIVE_VOLTS)
    damaged = sample_line(sample(1)).replace(b"5006", b"5007")
    uno.answers(damaged, b"noise\n", sample_line(sample(2)))
    async with aclosing(meter.readings()) as readings:
        await take(readings, 1)
    assert meter.health.rejected == {Rejection.CHECKSUM: 1, Rejection.MALFORMED: 1}


async def test_a_silent_port_is_reported(uno: OtherEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_SILENCE_SECONDS", 0.05)
    async with open_meter(uno.port) as meter:
        with pytest.raises(MeterError, match="no data received; check that it is the meter"):
            await meter.receive()


async def test_a_port_with_another_device_is_reported(uno: OtherEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_ANSWER_SECONDS", 0.05)
    uno.says(b"$GPGGA,123519,4807.038,N*47\n" * 3)
    async with open_meter(uno.port) as meter:
        with pytest.raises(MeterError, match="does not answer like Starling's meter"):
            await meter.identify()


async def test_a_port_in_use_is_reported(uno: OtherEnd) -> None:
    async with open_meter(uno.port):
        with pytest.raises(MeterError, match="another program has it open"):
            async with open_meter(uno.port):
                pass


async def test_a_cancelled_pause_resumes_reading(uno: OtherEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    uno.answers()
    async with open_meter(uno.port, pause_seconds=60) as meter:
        meter.send("I")
        paused, resumed = asyncio.Event(), asyncio.Event()
        pause, resume = SerialTransport.pause_reading, SerialTransport.resume_reading

        def pause_reading(transport: SerialTransport) -> None:
            pause(transport)
            paused.set()

        def resume_reading(transport: SerialTransport) -> None:
            resume(transport)
            resumed.set()

        monkeypatch.setattr(SerialTransport, "pause_reading", pause_reading)
        monkeypatch.setattr(SerialTransport, "resume_reading", resume_reading)
        receiving = asyncio.create_task(meter.receive())
        await paused.wait()
        assert not resumed.is_set()
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        assert resumed.is_set()


async def test_a_missing_meter_is_retried_with_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 7:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    meter = SerialMeter("/dev/starling-has-no-such-port", FIVE_VOLTS)
    with pytest.raises(asyncio.CancelledError):
        await anext(meter.readings())
    assert delays == [0.5, 1, 2, 4, 8, 10, 10]
    assert meter.health.error is not None
    assert "does not exist: connect the meter" in meter.health.error


async def test_an_unmeasured_supply_names_the_setting(uno: OtherEnd) -> None:
    meter = SerialMeter(uno.port, Calibration())
    uno.answers(sample_line(sample(1, supply_millivolts=0)))
    assert "power.supply_volts" in await connected_error(meter)
