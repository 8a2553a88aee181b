"""`starling power …`: names, options and help; the commands are in the other modules of this package."""

# ruff: noqa: FBT002, PLC0415
# As in stream/cli.py: options are plain booleans, and a command imports what it needs when it runs.

from pathlib import Path
from typing import Annotated

import typer

from stream.commands.options import Config

power = typer.Typer(
    name="power",
    help="Find and calibrate the power meter; record and show its measurements.",
    no_args_is_help=True,
)

Port = Annotated[
    str | None,
    typer.Option("--port", "-p", help="The meter's serial port or USB id; overrides power.port of the settings."),
]


@power.command("list")
def list_() -> None:
    """List the serial ports (Arduino Unos first) and the machine's own energy counters."""
    from stream.commands.power.list_ports import list_sources

    list_sources()


@power.command()
def calibrate(
    amperes: Annotated[
        float | None,
        typer.Option(
            help="Current of a known load in amperes, measured with a multimeter; without it, the command asks."
        ),
    ] = None,
    volts: Annotated[
        float | None,
        typer.Option(
            help="The Uno's supply voltage in volts, measured with a multimeter; without it, the command asks."
        ),
    ] = None,
    tare: Annotated[
        bool, typer.Option(help="Measure the zero with no load connected, and store it in the meter.")
    ] = True,
    ask: Annotated[bool, typer.Option(help="Ask for missing values, and wait while you connect the load.")] = True,
    port: Port = None,
    config: Config = None,
) -> None:
    """Measure the zero without load and the gain with a known load; store them in the meter and the settings."""
    from stream.commands.power.calibrate import CalibrationRequest, calibrate_meter

    calibrate_meter(CalibrationRequest(tare=tare, amperes=amperes, volts=volts, ask=ask), port, config)


@power.command()
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Output file: .csv, or .parquet (needs pyarrow).")],
    seconds: Annotated[float | None, typer.Option(min=0, help="Duration in seconds; default: until Ctrl-C.")] = None,
    port: Port = None,
    config: Config = None,
) -> None:
    """Write every reading to a file: time, current, voltage, power, energy, standard errors and the meter's sums."""
    from stream.commands.power.record import record_readings

    record_readings(file, seconds, port, config)


@power.command()
def show(
    seconds: Annotated[float | None, typer.Option(min=0, help="Duration in seconds; default: until Ctrl-C.")] = None,
    port: Port = None,
    config: Config = None,
) -> None:
    """Show voltage, current, power and energy live, with a small plot."""
    from stream.commands.power.show import show_readings

    show_readings(seconds, port, config)
