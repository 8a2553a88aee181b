"""Calibration of a meter: zero without load, gain with a known load, reference voltage by a voltmeter."""

import time
from dataclasses import dataclass, replace

from stream.errors import MeterError
from stream.power.current import (
    CODES,
    NOMINAL_BANDGAP_VOLTS,
    NOMINAL_VOLTS,
    NOMINAL_ZERO,
    VARIANTS,
    Calibration,
    amperes,
    volts,
)
from stream.power.frames import ZERO_SCALE, Sample
from stream.power.link import MeterLink

_MIN_LOAD_CODES = 10
"""A known load must be well above the converter's resolution for a useful gain."""
_GAIN_LIMITS = (0.8, 1.25)
_BANDGAP_LIMITS = (1.0, 1.2)


@dataclass(frozen=True, slots=True)
class Tare:
    """A measured zero, which is stored in the meter."""

    zero: float
    """Code of the converter at zero current."""
    offset_amperes: float
    """Reading at zero current without the tare."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean values of a measurement."""

    amperes: float
    volts: float
    range_amperes: int


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """Result of a calibration; None for values that were not calibrated."""

    gain: float | None = None
    bandgap_volts: float | None = None

    def with_gain(self, measured: Measured, true_amperes: float) -> "CalibrationResult":
        """Calibrate the gain with the current that a multimeter measured.

        Raises:
            MeterError: The currents differ too much, or are too small.
        """
        variant = VARIANTS[measured.range_amperes]
        least = _MIN_LOAD_CODES * NOMINAL_VOLTS / (CODES * variant.volts_per_ampere)
        if abs(measured.amperes) < least:
            raise MeterError(
                f"{measured.amperes:.3f} A is too small to calibrate the gain: use a load of at least {least:.2f} A"
            )
        gain = true_amperes / measured.amperes
        low, high = _GAIN_LIMITS
        if not low <= abs(gain) <= high:
            raise MeterError(
                f"the meter reads {measured.amperes:.3f} A instead of {true_amperes:g} A: check the load, the "
                "wiring, and that power.variant is the variant of the sensor"
            )
        return replace(self, gain=round(gain, 4))

    def with_volts(self, measured: Measured, true_volts: float) -> "CalibrationResult":
        """Calibrate the reference with the supply voltage that a multimeter measured.

        Raises:
            MeterError: The resulting reference voltage is outside the chip's tolerance.
        """
        bandgap = NOMINAL_BANDGAP_VOLTS * true_volts / measured.volts
        low, high = _BANDGAP_LIMITS
        if not low <= bandgap <= high:
            raise MeterError(
                f"the meter reads a supply of {measured.volts:.2f} V instead of {true_volts:g} V, outside the "
                "tolerance of its chip: measure between its pins 5V and GND"
            )
        return replace(self, bandgap_volts=round(bandgap, 4))

    def settings(self) -> dict[str, float]:
        """Keys and values for the settings' section [power]."""
        values = {"gain": self.gain, "bandgap_volts": self.bandgap_volts}
        return {key: value for key, value in values.items() if value is not None}


async def take_tare(meter: MeterLink) -> Tare:
    """Let the meter measure and store its zero. No current may flow through the sensor.

    Raises:
        MeterError: The zero is implausible: a current flows, or no sensor is connected.
    """
    identity = await meter.identify()
    try:
        zero = (await meter.ask("T")).value / ZERO_SCALE
    except MeterError as error:
        raise MeterError(f"{error}; disconnect the load, and check that the sensor's OUT is on A0") from error
    per_code = NOMINAL_VOLTS / (CODES * VARIANTS[identity.variant].volts_per_ampere)
    return Tare(zero, (zero - NOMINAL_ZERO) * per_code)


async def measure(meter: MeterLink, calibration: Calibration, seconds: float) -> Measured:
    """Measure mean current and supply voltage.

    Args:
        meter: An open meter.
        calibration: The present calibration, with the datasheets' gain and reference.
        seconds: Duration.

    Raises:
        MeterError: The meter was disconnected, or cannot measure its supply.
    """
    identity = await meter.identify()
    currents: list[float] = []
    voltages: list[float] = []
    ends = time.monotonic() + seconds
    while not currents or time.monotonic() < ends:
        frame = await meter.receive()
        if isinstance(frame, Sample):
            currents.append(amperes(frame, identity, calibration).value)
            supply = volts(frame, replace(calibration, supply_volts=None))
            voltages.append(supply.value if supply else 0.0)
    count = len(currents)
    return Measured(
        amperes=sum(currents) / count,
        volts=sum(voltages) / count,
        range_amperes=calibration.variant or identity.variant,
    )
