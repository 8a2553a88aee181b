"""`starling power calibrate`: measure zero, gain and reference voltage, one after the other."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from stream.commands.power.source import meter_port, power_settings
from stream.errors import InputError
from stream.power.calibration import CalibrationResult, Measured, Tare, measure, take_tare
from stream.power.current import Calibration
from stream.power.link import open_meter
from stream.power.ports import is_simulated
from stream.power.settings_file import write_power_settings
from stream.power.source import calibration
from stream.settings import CONFIG_VARIABLE

_AVERAGE_SECONDS = 10.0


@dataclass(frozen=True)
class CalibrationRequest:
    """Requested steps of a calibration."""

    tare: bool
    amperes: float | None
    volts: float | None
    ask: bool
    """True to ask for missing values."""


def calibrate_meter(request: CalibrationRequest, port: str | None, config: Path | None) -> None:
    """Guide the user through the calibration and write the results.

    Raises:
        MeterError: The meter is not found, or its measurements are implausible.
        InputError: The settings file cannot be written.
    """
    settings = power_settings(port, config)
    found_port = meter_port(settings)
    typer.echo(f"the meter is at {found_port}{' (simulated)' if is_simulated(found_port) else ''}")
    if request.tare:
        _take_tare(found_port, ask=request.ask)
    # The port is opened again for each step, so that no frame from before the load was connected is buffered.
    uncorrected = replace(calibration(settings), gain=None, bandgap_volts=None)
    found = CalibrationResult()
    amperes = _asked(
        request, request.amperes, "Connect a known load. Its current in amperes, by a multimeter in series"
    )
    if amperes is not None:
        found = found.with_gain(_averaged(found_port, uncorrected), amperes)
    volts = _asked(request, request.volts, "Voltage between the Uno's pins 5V and GND, by a multimeter")
    if volts is not None:
        found = found.with_volts(_averaged(found_port, uncorrected), volts)
    _write(found, config)


def _take_tare(port: str, *, ask: bool) -> None:
    if ask:
        typer.prompt("Disconnect the load from the sensor; then press Enter", default="", show_default=False)

    async def take() -> Tare:
        async with open_meter(port) as meter:
            return await take_tare(meter)

    tare = asyncio.run(take())
    typer.echo(f"zero {tare.zero:.2f} of 1024, {1000 * tare.offset_amperes:+.1f} mA offset; stored in the meter")


def _averaged(port: str, calibration: Calibration) -> Measured:
    async def average() -> Measured:
        async with open_meter(port) as meter:
            return await measure(meter, calibration, _AVERAGE_SECONDS)

    typer.echo(f"measuring for {_AVERAGE_SECONDS:.0f} s …")
    measured = asyncio.run(average())
    typer.echo(f"uncorrected: {measured.amperes:.4f} A, {measured.volts:.3f} V")
    return measured


def _asked(request: CalibrationRequest, given: float | None, question: str) -> float | None:
    if given is not None or not request.ask:
        return given
    answer = typer.prompt(f"{question} (empty: keep the present calibration)", default="", show_default=False)
    try:
        return float(answer) if answer.strip() else None
    except ValueError as error:
        raise InputError(f"'{answer}' is not a number") from error


def _write(found: CalibrationResult, config: Path | None) -> None:
    values = found.settings()
    if not values:
        return
    words = ", ".join(f"power.{key} = {value}" for key, value in values.items())
    file = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if file is None:
        typer.echo(f"no settings file is given (--config); add this to yours: {words}")
        return
    write_power_settings(file, values)
    typer.echo(f"written to {file}: {words}")
