"""The command line: names, options and help of every command; the commands themselves are in stream/commands/."""

# ruff: noqa: FBT002, PLC0415, PLR0913
# A command has as many parameters as options, Typer reads options from plain booleans with defaults, and a command
# imports what it needs when it runs, so that `starling --help` answers at once.

import errno
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from stream import __version__
from stream.commands.bench.options import bench
from stream.commands.feed.options import feed
from stream.commands.gate.options import gate
from stream.commands.options import (
    BelowThreshold,
    BrokerAddress,
    Cascade,
    CascadeThreshold,
    Config,
    Entity,
    IdColumn,
    Json,
    Languages,
    Model,
    PlainText,
    Prior,
    RouteTo,
    TextColumn,
    Threshold,
    Wait,
)
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
app.add_typer(gate)
app.add_typer(feed)
app.add_typer(power)

DemoSource = Literal["bluesky", "mastodon"]

_COMMAND_GROUP = "starling.commands"
"""Group of the entry points that add commands."""


def _version(wanted: bool) -> None:  # noqa: FBT001
    if wanted:
        typer.echo(f"starling {__version__}")
        raise typer.Exit


@app.callback()
def _starling(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Label a live stream of tweets with their polarity, on the device that receives them."""


@app.command()
def demo(
    tweets: Annotated[int | None, typer.Option(min=1, help="Number of tweets; default: each sample once.")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Tweets per second; 0: as fast as they are labelled.")] = 25.0,
    model: Model = None,
    simulated_meter: Annotated[
        bool, typer.Option("--simulated-meter", help="Show power as well, from a simulated Uno; needs simavr.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")] = False,
    source: Annotated[
        DemoSource | None,
        typer.Option(help="Show live posts of this stream; the samples if it cannot be reached."),
    ] = None,
) -> None:
    """Run a broker, the service and a publisher of sample tweets in one process, and show the labels."""
    from stream.commands.demo.requirements import need_the_demo_extra

    need_the_demo_extra()
    from stream.commands.demo.demo import run_demo

    run_demo(tweets=tweets, rate=rate, model=model, simulate_meter=simulated_meter, as_json=json, source=source)


@app.command()
def run(config: Config = None) -> None:
    """Run the service: receive tweets and publish labels over MQTT, until SIGTERM or Ctrl-C."""
    from stream.commands.run import run_until_signalled

    run_until_signalled(config)


@app.command()
def classify(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="Tweets in JSON, CSV, TSV or text, gzipped or not; -: stdin.")
    ] = "-",
    *,
    model: Model = None,
    cascade: Cascade = None,
    cascade_threshold: CascadeThreshold = None,
    plain: PlainText = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    entity: Entity = None,
    prior: Prior = None,
    threshold: Threshold = None,
    below_threshold: BelowThreshold = None,
    languages: Languages = None,
    route_to: RouteTo = None,
) -> None:
    """Label a file of tweets: print one line of JSON for each tweet, in the same order."""
    from stream.commands.classify import classify_file
    from stream.commands.decision import decision_settings, language_settings, model_settings
    from stream.tweets.reader import file_options

    options = file_options(plain=plain, text_column=text_column, id_column=id_column)
    decision = decision_settings(prior, threshold, below_threshold)
    chosen = model_settings(model, cascade, cascade_threshold)
    classify_file(file, chosen, options, decision, entity, language_settings(languages, route_to))


@app.command()
def send(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Tweets in JSON, CSV, TSV or text, gzipped or not; -: stdin.")
    ],
    *,
    rate: Annotated[float, typer.Option(min=0, help="Tweets per second; 0: as fast as the broker confirms.")] = 0.0,
    plain: PlainText = None,
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    topic: Annotated[str | None, typer.Option(help="Topic to publish to; default: the settings' first one.")] = None,
    wait: Wait = 60.0,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Publish a file of tweets to the broker."""
    from stream.commands.send import SendRequest, new_id_prefix, send_file
    from stream.commands.sender import SendOptions
    from stream.tweets.reader import file_options

    options = file_options(plain=plain, text_column=text_column, id_column=id_column, id_prefix=new_id_prefix())
    send_file(SendRequest(file, options, SendOptions(rate, wait), topic), broker=broker, config=config)


@app.command()
def watch(
    *,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many labels and rejections.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Subscribe to the tweets as well, and show their text.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print labels and rejections unchanged, one per line.")] = False,
    entity: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Show only results about this entity; can be repeated.")
    ] = None,
    wait: Wait = 60.0,
    broker: BrokerAddress = None,
    config: Config = None,
) -> None:
    """Show labels, rejections and the status of nodes as they are published."""
    from stream.commands.watch import WatchOptions, watch_labels

    options = WatchOptions(count, with_text=text, as_json=json, entities=entity or [], wait_seconds=wait)
    watch_labels(options, broker=broker, config=config)


@app.command()
def check(config: Config = None, json: Json = False) -> None:
    """Check settings, model, broker, HTTP address and meter, and say how to fix what does not work."""
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
    seconds: Annotated[float, typer.Option(min=1, help="Seconds to wait for the labels.")] = 30.0,
    config: Config = None,
) -> None:
    """Send two tweets of opposite moods to this node alone, and wait for its labels."""
    from stream.commands.probe import probe_node

    probe_node(config, seconds)


@app.command()
def leave(
    discard: Annotated[
        bool, typer.Option("--discard", help="Discard the tweets that the broker holds for the node.")
    ] = False,
    config: Config = None,
) -> None:
    """Delete the broker's session of this node, which is stopped and will not be started again."""
    from stream.commands.leave import leave_broker

    leave_broker(config, discard=discard)


@app.command()
def sbom(config: Config = None) -> None:
    """Print the installed packages and the model as a software bill of materials (CycloneDX, JSON)."""
    from stream.commands.sbom import print_sbom

    print_sbom(config)


@app.command()
def settings() -> None:
    """Print a settings file with every setting, its meaning and its default."""
    from stream.commands.settings import settings_template

    typer.echo(settings_template(), nl=False)


@app.command()
def asyncapi(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Print the topics and messages of this node as an AsyncAPI 3 document."""
    from stream.commands.asyncapi import print_asyncapi

    print_asyncapi(config, as_json=json)


def main() -> None:
    """Run the console script: an error of Starling's own becomes one line on stderr and an exit code."""
    _add_plugins()
    try:
        with ungrouped():
            app()
    except StarlingError as error:
        _exit(str(error), error.exit_code)
    except KeyboardInterrupt:
        _exit("interrupted", 130)
    except BrokenPipeError:  # the reader of our output has ended, for instance `| head`
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        _exit("no room is left on the disk that the output goes to", 74)


def _add_plugins() -> None:
    """Add the commands of other packages; one that cannot be imported is named in a warning, and left out."""
    for entry_point in entry_points(group=_COMMAND_GROUP):
        try:
            commands = entry_point.load()
            if not isinstance(commands, typer.Typer):
                raise TypeError(f"it is a {type(commands).__name__}, not a typer.Typer")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001  (a plug-in may raise anything)
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            _say(f"the commands of {entry_point.name} ({entry_point.value}) are missing, its import failed: {reason}")
        else:
            app.add_typer(commands)


def _drop_output() -> None:
    """Discard what is still buffered for stdout, so that Python does not try to write it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit(message: str, exit_code: int) -> NoReturn:
    _say(message)
    sys.exit(exit_code)


def _say(message: str) -> None:
    typer.echo(f"starling: {' '.join(message.split())}", err=True)
