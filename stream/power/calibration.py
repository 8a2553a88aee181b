"""What makes a meter exact: its zero with no load, its gain with a known one, its reference by a voltmeter."""

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

_LEAST_LOAD_CODES = 10
"""A known load must be well above the converter's half count, to be worth a gain."""
_GAIN_LIMITS = (0.8, 1.25)
_BANDGAP_LIMITS = (1.0, 1.2)


@dataclass(frozen=True, slots=True)
class Tare:
    """A zero that was taken, and is now stored in the meter."""

    zero: float
    """The code of no current."""
    offset_amperes: float
    """What the meter read without it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over a while."""

    amperes: float
    volts: float
    range_amperes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a calibration has found; None where it was not asked to."""

    gain: float | None = None
    bandgap_volts: float | None = None

    def with_gain(self, measured: Measured, true_amperes: float) -> "Found":
        """Compare the current with what a multimeter says of it.

        Raises:
            MeterError: They are too far apart, or too small, to be the same current.
        """
        variant = VARIANTS[measured.range_amperes]
        least = _LEAST_LOAD_CODES * NOMINAL_VOLTS / (CODES * variant.volts_per_ampere)
        if abs(measured.amperes) < least:
            raise MeterError(f"{measured.amperes:.3f} A is too little to tell the gain: {least:.2f} A at least")
        gain = true_amperes / measured.amperes
        low, high = _GAIN_LIMITS
        if not low <= abs(gain) <= high:
            raise MeterError(
                f"the meter reads {measured.amperes:.3f} A where there should be {true_amperes:g} A: check the "
                "load, the wiring, and that power.variant is the sensor's"
            )
        return replace(self, gain=round(gain, 4))

    def with_volts(self, measured: Measured, true_volts: float) -> "Found":
        """Compare the supply with what a multimeter says of it.

        Raises:
            MeterError: The reference that follows is none that a chip has.
        """
        bandgap = NOMINAL_BANDGAP_VOLTS * true_volts / measured.volts
        low, high = _BANDGAP_LIMITS
        if not low <= bandgap <= high:
            raise MeterError(
                f"the meter takes its supply for {measured.volts:.2f} V where {true_volts:g} V is given, more than any "
                "chip is off by: measure between its pins 5V and GND"
            )
        return replace(self, bandgap_volts=round(bandgap, 4))

    def settings(self) -> dict[str, float]:
        """What goes into the section [power]."""
        values = {"gain": self.gain, "bandgap_volts": self.bandgap_volts}
        return {key: value for key, value in values.items() if value is not None}


async def take_tare(meter: MeterLink) -> Tare:
    """Let the meter average its zero and store it. Nothing may flow through the sensor.

    Raises:
        MeterError: The zero is too far off: something flows, or no sensor is connected.
    """
    identity = await meter.identify()
    try:
        zero = (await meter.ask("T")).value / ZERO_SCALE
    except MeterError as error:
        raise MeterError(f"{error}; is the load off, and the sensor's OUT on A0?") from error
    per_code = NOMINAL_VOLTS / (CODES * VARIANTS[identity.variant].volts_per_ampere)
    return Tare(zero, (zero - NOMINAL_ZERO) * per_code)


async def measure(meter: MeterLink, calibration: Calibration, seconds: float) -> Measured:
    """Average over a while.

    Args:
        meter: An open meter.
        calibration: What is known of it already; its gain and reference as the datasheets have them.
        seconds: How long.

    Raises:
        MeterError: The meter is lost, or cannot measure its supply.
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
