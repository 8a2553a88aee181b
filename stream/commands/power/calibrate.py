"""`starling power calibrate`: zero, gain and reference voltage, one after the other."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from stream.commands.power.source import meter_port, power_settings
from stream.errors import InputError
from stream.power.calibration import Found, Measured, Tare, measure, take_tare
from stream.power.current import Calibration
from stream.power.link import open_meter
from stream.power.ports import is_simulated
from stream.power.settings_file import write_power_settings
from stream.power.source import calibration
from stream.settings import CONFIG_VARIABLE

_AVERAGE_SECONDS = 10.0


@dataclass(frozen=True)
class Wanted:
    """What to calibrate."""

    tare: bool
    amperes: float | None
    volts: float | None
    ask: bool
    """Whether to ask for what is not given."""


def calibrate_meter(wanted: Wanted, port: str | None, config: Path | None) -> None:
    """Guide through the calibration and write what was found.

    Raises:
        MeterError: The meter is not there, or what it measures makes no sense.
        InputError: The settings file cannot be written.
    """
    settings = power_settings(port, config)
    found_port = meter_port(settings)
    typer.echo(f"the meter is at {found_port}{' (simulated)' if is_simulated(found_port) else ''}")
    if wanted.tare:
        _take_tare(found_port, ask=wanted.ask)
    # The port is opened for each step anew: nothing of the time before the load was connected is left in it.
    uncorrected = replace(calibration(settings), gain=None, bandgap_volts=None)
    found = Found()
    amperes = _asked(wanted, wanted.amperes, "Connect a known load. Its amperes, by a multimeter in series")
    if amperes is not None:
        found = found.with_gain(_averaged(found_port, uncorrected), amperes)
    volts = _asked(wanted, wanted.volts, "Volts between the Uno's 5V and GND, by a multimeter")
    if volts is not None:
        found = found.with_volts(_averaged(found_port, uncorrected), volts)
    _write(found, config)


def _take_tare(port: str, *, ask: bool) -> None:
    if ask:
        typer.prompt(
            "Disconnect the load, or lead it past the sensor; then press Enter", default="", show_default=False
        )

    async def take() -> Tare:
        async with open_meter(port) as meter:
            return await take_tare(meter)

    tare = asyncio.run(take())
    typer.echo(f"zero {tare.zero:.2f} of 1024, {1000 * tare.offset_amperes:+.1f} mA off; the meter itself keeps it")


def _averaged(port: str, known: Calibration) -> Measured:
    async def average() -> Measured:
        async with open_meter(port) as meter:
            return await measure(meter, known, _AVERAGE_SECONDS)

    typer.echo(f"measuring for {_AVERAGE_SECONDS:.0f} s …")
    measured = asyncio.run(average())
    typer.echo(f"uncorrected: {measured.amperes:.4f} A, {measured.volts:.3f} V")
    return measured


def _asked(wanted: Wanted, given: float | None, question: str) -> float | None:
    if given is not None or not wanted.ask:
        return given
    answer = typer.prompt(f"{question} (empty: leave as it is)", default="", show_default=False)
    try:
        return float(answer) if answer.strip() else None
    except ValueError as error:
        raise InputError(f"'{answer}' is no number") from error


def _write(found: Found, config: Path | None) -> None:
    values = found.settings()
    if not values:
        return
    words = ", ".join(f"power.{key} = {value}" for key, value in values.items())
    file = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if file is None:
        typer.echo(f"no settings file is named (--config), so write this to yours: {words}")
        return
    write_power_settings(file, values)
    typer.echo(f"written to {file}: {words}")
