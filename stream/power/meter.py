"""The meter as a source of readings; its port is reopened after it was disconnected."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from stream.errors import MeterError
from stream.power.clock import MeterClock
from stream.power.current import CONVERSION_SECONDS, Calibration, amperes, volts
from stream.power.frames import Answer, Identity, Refusal, Rejection, Sample
from stream.power.link import MeterLink, open_meter
from stream.power.ports import is_simulated
from stream.power.reading import Reading

logger = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
"""Two or three frames are read at once. Reading each piece of a few bytes took eight times as much CPU time."""
_SEQUENCES = 2**32
_VOLTS_MISSING = "the meter cannot measure its supply: set power.supply_volts"


@dataclass
class MeterHealth:
    """State of the connection to the meter."""

    up: bool = False
    error: str | None = None
    """Reason why it is not up."""
    frames: int = 0
    lost: int = 0
    """Missing frames, by gaps in their sequence."""
    connections: int = 0
    rejected: Counter[Rejection] = field(default_factory=Counter)


class SerialMeter:
    """Yields a reading for each window that the meter measures.

    Args:
        port: The port, as in the settings.
        calibration: The calibration of the meter.
        pause_seconds: Pause after each read, in which the kernel buffers the input.
    """

    def __init__(self, port: str, calibration: Calibration, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self.health = MeterHealth()
        self.identity: Identity | None = None
        self._port = port
        self._calibration = calibration
        self._pause_seconds = pause_seconds
        self._meter_clock = MeterClock()
        self._last: Sample | None = None
        self._just_opened = False
        """True after the port was opened: then the next window's number is unrelated to the last one's."""
        self._last_arrived = 0.0

    @property
    def name(self) -> str:
        """Name of the source; it marks a simulated meter."""
        return "acs712-simulated" if is_simulated(self._port) else "acs712"

    async def readings(self) -> AsyncGenerator[Reading]:
        """Yield readings without end. Wait for a disconnected meter; `health` has its state."""
        delay_seconds = _FIRST_DELAY_SECONDS
        while True:
            try:
                async with open_meter(self._port, self._rejected, self._pause_seconds) as link:
                    self._connected(await link.identify())
                    delay_seconds = _FIRST_DELAY_SECONDS
                    while True:
                        if reading := await self._next(link):
                            yield reading
            except MeterError as error:
                self._disconnected(error)
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, _LONGEST_DELAY_SECONDS)

    async def _next(self, link: MeterLink) -> Reading | None:
        match await link.receive():
            case Sample() as sample:
                return self.reading(sample, time.monotonic())
            case Identity() as identity:  # it was reset
                self.identity = identity
            case Answer() | Refusal():
                pass
        return None

    def reading(self, sample: Sample, arrived_seconds: float) -> Reading:
        """Return the reading of a window; to be called in the order of arrival.

        Args:
            sample: The frame of the window.
            arrived_seconds: Time of its arrival, by the monotonic clock.

        Raises:
            MeterError: The supply voltage is unknown.
        """
        assert self.identity is not None  # noqa: S101  (frames are read only after the identity)
        gap_seconds = self._gap_seconds(sample, arrived_seconds)
        self._last, self._last_arrived = sample, arrived_seconds
        self.health.frames += 1
        current = amperes(sample, self.identity, self._calibration)
        voltage = volts(sample, self._calibration)
        if voltage is None:
            raise MeterError(f"{self._port}: {_VOLTS_MISSING}")
        return Reading(
            seconds=self._meter_clock.seconds(sample.period, arrived_seconds),
            watts=current.times(voltage),
            volts=voltage,
            amperes=current,
            gap_seconds=gap_seconds,
            sample=sample,
        )

    def _gap_seconds(self, sample: Sample, arrived_seconds: float) -> float:
        just_opened, self._just_opened = self._just_opened, False
        if self._last is None:
            return 0.0
        missing = (sample.sequence - self._last.sequence - 1) % _SEQUENCES
        if missing == 0 and not just_opened:
            return 0.0
        self._meter_clock.restart(arrived_seconds)
        if just_opened or sample.sequence < self._last.sequence:  # the meter was restarted
            return max(0.0, arrived_seconds - self._last_arrived - sample.period * CONVERSION_SECONDS)
        self.health.lost += missing
        return missing * sample.period * CONVERSION_SECONDS

    def _connected(self, identity: Identity) -> None:
        self.identity = identity
        self._just_opened = True
        self.health.up, self.health.error = True, None
        self.health.connections += 1
        tare = "tared" if identity.zero is not None else "not tared: run `starling power calibrate`"
        logger.info("meter at %s: ACS712, %d A, %s", self._port, identity.variant, tare)

    def _disconnected(self, error: MeterError) -> None:
        if self.health.error is None:
            logger.warning("%s; energy is not measured until it is back", error)
        self.health.up, self.health.error = False, str(error)

    def _rejected(self, reason: Rejection) -> None:
        self.health.rejected[reason] += 1
