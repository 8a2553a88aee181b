"""`starling power …`: names, options and help; what each does is in the files power_*.py beside this one."""

# ruff: noqa: FBT002, PLC0415
# As in stream/cli.py: options are plain booleans, and a command imports what it needs when it runs.

from pathlib import Path
from typing import Annotated

import typer

power = typer.Typer(
    name="power",
    help="The power meter: find it, calibrate it, record and show what it measures.",
    no_args_is_help=True,
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file (TOML); without it, the one that STARLING_CONFIG names."),
]
Port = Annotated[
    str | None, typer.Option("--port", "-p", help="The meter's port or USB id, over what the settings say.")
]


@power.command("list")
def list_() -> None:
    """List the serial ports, an Uno's first, and the machine's own energy counters."""
    from stream.commands.power.list_ports import list_sources

    list_sources()


@power.command()
def calibrate(
    amperes: Annotated[
        float | None, typer.Option(help="The known load's current, by a multimeter; without it, you are asked.")
    ] = None,
    volts: Annotated[
        float | None, typer.Option(help="The Uno's supply, by a multimeter; without it, you are asked.")
    ] = None,
    tare: Annotated[bool, typer.Option(help="Take the zero, with no load connected.")] = True,
    ask: Annotated[bool, typer.Option(help="Ask for what is not given, and wait for you to connect things.")] = True,
    port: Port = None,
    config: Config = None,
) -> None:
    """Take the zero with no load and the gain with a known one, and write them to the meter and the settings."""
    from stream.commands.power.calibrate import Wanted, calibrate_meter

    calibrate_meter(Wanted(tare=tare, amperes=amperes, volts=volts, ask=ask), port, config)


@power.command()
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write: .csv, or .parquet with pyarrow.")],
    seconds: Annotated[float | None, typer.Option(min=0, help="How long; without it, until Ctrl-C.")] = None,
    port: Port = None,
    config: Config = None,
) -> None:
    """Write every reading to a file: time, amperes, volts, watts, joules, their errors and the meter's sums."""
    from stream.commands.power.record import record_readings

    record_readings(file, seconds, port, config)


@power.command()
def show(
    seconds: Annotated[float | None, typer.Option(min=0, help="How long; without it, until Ctrl-C.")] = None,
    port: Port = None,
    config: Config = None,
) -> None:
    """Show volts, amperes, watts and joules as they are measured, with a small plot."""
    from stream.commands.power.show import show_readings

    show_readings(seconds, port, config)
