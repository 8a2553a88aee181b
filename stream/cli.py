"""The command line: names, options and help of every command; what a command does is in stream/commands/."""

# ruff: noqa: FBT002, PLC0415
# A command has as many parameters as options, Typer reads options from plain booleans with defaults, and a command
# imports what it needs when it runs, so that `starling --help` answers at once.

import errno
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stream import __version__
from stream.commands.bench.options import bench
from stream.commands.power.options import power
from stream.errors import StarlingError, ungrouped

app = typer.Typer(
    name="starling",
    help="Labels a live stream of tweets with their polarity, on the device that receives them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(bench)
app.add_typer(power)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file (TOML); without it, the one that STARLING_CONFIG names."),
]
BrokerAddress = Annotated[
    str | None, typer.Option("--broker", "-b", metavar="HOST[:PORT]", help="The broker, over what the settings say.")
]
Model = Annotated[Path | None, typer.Option(help="A model bundle's folder, or fast, the smaller of the two shipped.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of words.")]
_COMMAND_GROUP = "starling.commands"
"""Entry points under this name add commands; the training extra's do."""


def _version(wanted: bool) -> None:  # noqa: FBT001
    if wanted:
        typer.echo(f"starling {__version__}")
        raise typer.Exit


@app.callback()
def _starling(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Label a live stream of tweets with their polarity, on the device that receives them."""


@app.command()
def demo(
    tweets: Annotated[int | None, typer.Option(min=1, help="How many to send; without it, each sample once.")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Tweets a second; 0 is as fast as they are labelled.")] = 25.0,
    model: Model = None,
    simulated_meter: Annotated[
        bool, typer.Option("--simulated-meter", help="Show power too, from a simulated Uno; needs simavr.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="End with one JSON object on stdout, show nothing else.")
    ] = False,
) -> None:
    """Show everything at work: a broker, the service and a publisher of sample tweets, in one process."""
    from stream.commands.demo.demo import run_demo

    run_demo(tweets=tweets, rate=rate, model=model, simulate_meter=simulated_meter, as_json=json)


@app.command()
def run(config: Config = None) -> None:
    """Run the service: tweets in and labels out over MQTT, until SIGTERM or Ctrl-C."""
    from stream.commands.run import run_until_signalled

    run_until_signalled(config)


@app.command()
def classify(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Tweets as JSON lines; - is stdin.")] = "-",
    model: Model = None,
) -> None:
    """Label a file of tweets: JSON lines in, JSON lines out, in the same order, one for each line."""
    from stream.commands.classify import classify_file

    classify_file(file, model)


@app.command()
def send(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, or plain text, one tweet a line.")],
    rate: Annotated[float, typer.Option(min=0, help="Tweets a second; 0 is as fast as the broker takes them.")] = 0.0,
    plain: Annotated[
        bool | None,
        typer.Option("--text/--json-lines", help="What the lines are; without it, the first one tells."),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Where to; without it, the settings' topic of tweets.")] = None,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish a file of tweets to the broker."""
    from stream.commands.send import send_file

    send_file(file, rate=rate, plain=plain, topic=topic, broker=broker, config=config)


@app.command()
def watch(
    count: Annotated[int | None, typer.Option(min=1, help="End after so many labels and rejections.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Read the tweets as well, and show their text.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Each message as it came, a line each.")] = False,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Show labels, rejections and nodes as they come."""
    from stream.commands.watch import watch_labels

    watch_labels(count=count, with_text=text, as_json=json, broker=broker, config=config)


@app.command()
def check(config: Config = None, json: Json = False) -> None:
    """Say what of settings, model, broker, port and meter works, and what to do about what does not."""
    from stream.commands.check import check_all

    check_all(config, as_json=json)


@app.command()
def experiment(
    plan: Annotated[Path, typer.Argument(help="Plan, TOML: models, precisions, seeds, data, threads.")],
    out: Annotated[Path, typer.Option(help="Folder of the results; finished runs in it are not repeated.")],
    node: Annotated[str | None, typer.Option(help="Name of this device in results; default: the host name.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Estimate the duration and run nothing.")] = False,
    power_record: Annotated[
        Path | None,
        typer.Option(help="File that `starling power record` wrote on another computer; added to the finished runs."),
    ] = None,
    clock_offset: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="SECONDS ERROR",
            help="Clock of that computer minus clock of this device, and the standard error of this difference.",
        ),
    ] = None,
) -> None:
    """Run models over labelled tweets, one by one, and record time, CPU, memory and energy."""
    from stream.commands.experiment import power_recording, run_experiment

    run_experiment(plan, out, node, estimate=estimate, recording=power_recording(power_record, clock_offset))


@app.command()
def probe(
    seconds: Annotated[float, typer.Option(min=1, help="How long the node may take.")] = 30.0, config: Config = None
) -> None:
    """Send a tweet through the broker, and wait for this node's label."""
    from stream.commands.probe import probe_node

    probe_node(config, seconds)


@app.command()
def leave(
    discard: Annotated[bool, typer.Option("--discard", help="Drop the tweets that wait for the node.")] = False,
    config: Config = None,
) -> None:
    """Have the broker forget this node, which is stopped and will not come back under its name."""
    from stream.commands.leave import leave_broker

    leave_broker(config, discard=discard)


@app.command()
def settings() -> None:
    """Print every setting with its meaning and its default, as a starling.toml to start from."""
    from stream.commands.settings import settings_template

    typer.echo(settings_template(), nl=False)


def main() -> None:
    """The console script: our own errors become one line on stderr and an exit code."""
    for entry_point in entry_points(group=_COMMAND_GROUP):
        app.add_typer(entry_point.load())
    try:
        with ungrouped():
            app()
    except StarlingError as error:
        _die(str(error), error.exit_code)
    except KeyboardInterrupt:
        _die("interrupted", 130)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        _die("no room is left on the disk that the output goes to", 74)


def _drop_output() -> None:
    """Let what is still buffered for stdout go nowhere, lest Python try to write it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _die(message: str, exit_code: int) -> NoReturn:
    typer.echo(f"starling: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)
