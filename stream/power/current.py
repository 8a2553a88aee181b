"""Conversion of sums of codes to amperes and volts, with standard errors.

The ACS712 is ratiometric: with the supply V, its output is V/2 + (V / 5 V) s I, where s is its sensitivity at 5 V. The
Uno's converter uses the same supply as its reference, so a code is 1024 (1/2 + s I / 5 V): the supply cancels, and

    I = (code - zero) / 1024 * 5 V / s

Sources: the performance characteristics of x05B, x20A and x30A in Allegro's ACS712 datasheet; the ADC's characteristics
in Microchip's ATmega328P datasheet.
"""

import math
from dataclasses import dataclass

from stream.power.frames import Identity, Sample
from stream.power.reading import Estimate

CODES = 1024
NOMINAL_ZERO = CODES / 2
NOMINAL_VOLTS = 5.0
NOMINAL_BANDGAP_VOLTS = 1.1
CONVERSION_SECONDS = 13 * 128 / 16e6
"""13 clocks of the 16 MHz crystal divided by 128."""

_UNIFORM = 1 / math.sqrt(3)
"""Standard error of a uniform distribution within ±1."""
_CODE_ERROR = 0.5 * _UNIFORM
"""In codes: the converter's integral non-linearity (typically half a code), also the rounding error without noise."""
_CORRELATION = 1.74
"""Variance of the mean over variance/n: the sensor's filter passes 2 kHz, so neighbouring conversions, 104 µs apart,
correlate with rho = exp(-2 pi 2 kHz 104 µs) = 0.27, and (1 + rho) / (1 - rho) = 1.74. Boards with a smaller filter
capacitor correlate less; then the stated error is too large."""
_METER_CLASS = 0.01
"""Relative error of a gain that was calibrated with a multimeter in series."""
_VOLTMETER_CLASS = 0.005
_STATED_VOLTS_ERROR = 0.02
_BANDGAP_ERROR = 0.1 / NOMINAL_BANDGAP_VOLTS * _UNIFORM
"""The bandgap of an uncalibrated chip is 1.0 to 1.2 V."""
_BANDGAP_CODE_ERROR = 0.5 * _UNIFORM


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the ACS712, at 5 V and 25 °C."""

    range_amperes: int
    volts_per_ampere: float
    sensitivity_tolerance: float
    """Relative limits of the datasheet."""
    offset_volts: float
    """Largest difference between the output at zero current and half the supply."""


VARIANTS = {
    5: Variant(5, 0.185, 0.005 / 0.185, 0.040),
    20: Variant(20, 0.100, 0.004 / 0.100, 0.030),
    30: Variant(30, 0.066, 0.003 / 0.066, 0.030),
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of one meter; None: the datasheet's value."""

    variant: int | None = None
    """The sensor's range in amperes; None: as the meter reports."""
    gain: float | None = None
    """True over indicated current; negative if the current flows backwards through the sensor."""
    bandgap_volts: float | None = None
    supply_volts: float | None = None
    """Supply voltage of the measured device; None: the meter's own supply, as it measures it."""


def amperes(sample: Sample, identity: Identity, calibration: Calibration) -> Estimate:
    """Return the mean current of a window."""
    variant = VARIANTS[calibration.variant or identity.variant]
    gain = 1.0 if calibration.gain is None else calibration.gain
    per_code = gain * NOMINAL_VOLTS / (CODES * variant.volts_per_ampere)
    mean = sample.code_sum / sample.n
    value = (mean - (NOMINAL_ZERO if identity.zero is None else identity.zero)) * per_code
    gain_error = variant.sensitivity_tolerance * _UNIFORM if calibration.gain is None else _METER_CLASS
    return Estimate(
        value,
        noise=_mean_error_codes(sample) * abs(per_code),
        offset=math.hypot(_CODE_ERROR, _zero_error_codes(identity, variant)) * abs(per_code),
        scale=gain_error * abs(value),
    )


def _mean_error_codes(sample: Sample) -> float:
    """Standard error of the mean code, from the sums of codes and of squares."""
    variance = (sample.square_sum - sample.code_sum**2 / sample.n) / (sample.n - 1)
    return math.sqrt(max(variance, 0.0) * _CORRELATION / sample.n)


def _zero_error_codes(identity: Identity, variant: Variant) -> float:
    if identity.zero is None:
        return variant.offset_volts * CODES / NOMINAL_VOLTS * _UNIFORM
    return _CODE_ERROR


def volts(sample: Sample, calibration: Calibration) -> Estimate | None:
    """Return the supply voltage, set or measured; None if it is neither."""
    if calibration.supply_volts is not None:
        return Estimate(calibration.supply_volts, scale=_STATED_VOLTS_ERROR * calibration.supply_volts)
    if not sample.supply_millivolts:
        return None
    known = calibration.bandgap_volts
    bandgap = NOMINAL_BANDGAP_VOLTS if known is None else known
    value = sample.supply_millivolts / 1000 * bandgap / NOMINAL_BANDGAP_VOLTS
    bandgap_codes = bandgap / value * CODES
    error = math.hypot(_BANDGAP_ERROR if known is None else _VOLTMETER_CLASS, _BANDGAP_CODE_ERROR / bandgap_codes)
    return Estimate(value, scale=error * value)
