"""`starling bench …`: names, options and help; the measuring is in stream/bench/."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in stream/cli.py: options are plain booleans, and a command imports what it needs when it runs. A benchmark has
# many options.

from pathlib import Path
from typing import Annotated, Literal

import typer

bench = typer.Typer(
    name="bench",
    help="Measure speed, latency, memory and energy here: of a model, of the service, beside others.",
    no_args_is_help=True,
)

Bundles = Annotated[list[Path] | None, typer.Argument(metavar="[BUNDLE]…", help="Model bundles; none: the shipped.")]
Tweets = Annotated[
    str | None, typer.Option(metavar="FILE", help="Tweets as JSON lines; without it, the samples that come along.")
]
Quick = Annotated[bool, typer.Option("--quick", help="A look: seconds, where figures to believe take minutes.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of a table.")]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="How long each measurement lasts; 60, or with --quick 3.")]
Rounds = Annotated[int | None, typer.Option(min=1, help="Rounds that the time is split into; 3, or with --quick 1.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file (TOML); without it, the one that STARLING_CONFIG names."),
]
Broker = Annotated[
    str | None,
    typer.Option("--broker", "-b", metavar="HOST:PORT", help="A broker; without it, a Mosquitto is started."),
]


@bench.command()
def classifier(
    bundles: Bundles = None,
    precision: Annotated[str, typer.Option(metavar="LIST", help="Only these, as in int8,float32.")] = "",
    threads: Annotated[str, typer.Option(metavar="LIST", help="Threads an inference, as in 1,2.")] = "",
    interpreters: Annotated[str, typer.Option(metavar="LIST", help="Inferences side by side, as in 1,2.")] = "",
    batches: Annotated[str, typer.Option(metavar="LIST", help="Tweets an inference.")] = "1,8",
    lengths: Annotated[
        str, typer.Option(metavar="LIST", help="Tokens, as in 8,16,32,64; 0 or nothing: tweets as they are.")
    ] = "",
    tweets: Tweets = None,
    seconds: Seconds = None,
    rounds: Rounds = None,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Measure a model alone: over threads, interpreters, batches, lengths and, given several bundles, precisions."""
    from stream.bench.classifier import Grid, Plan, bench_classifier
    from stream.commands.bench.view import chosen, counts, energy_settings, shown

    grid = Grid(
        counts("--threads", threads),
        counts("--interpreters", interpreters),
        counts("--batches", batches) or (1,),
        [length or None for length in counts("--lengths", lengths, least=0)] or [None],
    )
    plan = Plan(
        bundles=bundles or (),
        precisions=[name for name in precision.split(",") if name],
        grid=grid,
        tweets=tweets,
        seconds=chosen(seconds, quick=quick, usual=60.0, looking=3.0),
        rounds=chosen(rounds, quick=quick, usual=3, looking=1),
        quick=quick,
        power=energy_settings(),
    )
    shown(lambda on_step: bench_classifier(plan, on_step), as_json=json)


@bench.command()
def service(
    rate: Annotated[
        float, typer.Option(min=0, help="Tweets a second; 0 finds saturation, and then measures half of it.")
    ] = 0.0,
    arrivals: Annotated[
        Literal["poisson", "even"], typer.Option(help="As independent tweets come, or one like the other.")
    ] = "poisson",
    overload: Annotated[
        float,
        typer.Option(min=0, help="In the end send so many times saturation, as in 5, and see what becomes of it."),
    ] = 0.0,
    tweets: Tweets = None,
    broker: Broker = None,
    config: Config = None,
    seconds: Seconds = None,
    rounds: Rounds = None,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Measure the service from MQTT in to MQTT out: idle, one tweet at a time, saturated, at half of that."""
    from stream.bench.service import Plan, bench_service
    from stream.commands.bench.view import chosen, shown
    from stream.commands.connection import settings_for

    settings = settings_for(config, broker)
    plan = Plan(
        settings,
        broker=settings.broker if broker else None,
        tweets=tweets,
        rate=rate,
        arrivals=arrivals,
        seconds=chosen(seconds, quick=quick, usual=60.0, looking=3.0),
        rounds=chosen(rounds, quick=quick, usual=3, looking=1),
        overload=overload,
        quick=quick,
    )
    shown(lambda on_step: bench_service(plan, on_step), as_json=json)


@bench.command()
def compare(
    peers: Annotated[Path, typer.Argument(metavar="PEERS.toml", help="Who to compare with; see docs/performance.md.")],
    only: Annotated[str, typer.Option(metavar="LIST", help="Only these of the peers, by name.")] = "",
    tweets: Tweets = None,
    config: Config = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each turn lasts.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="How many turns each has.")] = 5,
    json: Json = False,
) -> None:
    """Measure our service and classifier in turns with others: the same tweets, the same machine."""
    from stream.bench.compare import Plan, bench_compare
    from stream.commands.bench.view import shown
    from stream.settings import load_settings

    wanted = [name for name in only.split(",") if name]
    plan = Plan(load_settings(config), peers, tweets=tweets, seconds=seconds, rounds=rounds, only=wanted)
    shown(lambda on_step: bench_compare(plan, on_step), as_json=json)


@bench.command()
def growth(
    lengths: Annotated[str, typer.Option(metavar="LIST", help="Tokens a tweet; 0: none.")] = "4,8,16,24,32,48,64,80",
    backlogs: Annotated[str, typer.Option(metavar="LIST", help="Tweets waiting in the broker; 0: none.")] = (
        "1000,10000,100000"
    ),
    cores: Annotated[
        str, typer.Option(metavar="LIST", help="Cores for the service; without it 1, 2, 4 and so on.")
    ] = "",
    tweets: Tweets = None,
    config: Config = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each length is measured.")] = 10.0,
    core_tweets: Annotated[int, typer.Option(min=1, help="How many tweets for each number of cores.")] = 10_000,
    json: Json = False,
) -> None:
    """Measure how cost grows: with a tweet's length, with what waits in the broker, with cores."""
    from stream.bench.growth import Plan, bench_growth
    from stream.commands.bench.view import core_counts, counts, shown
    from stream.settings import load_settings

    plan = Plan(
        load_settings(config),
        lengths=[length for length in counts("--lengths", lengths, least=0) if length],
        backlogs=[backlog for backlog in counts("--backlogs", backlogs, least=0) if backlog],
        cores=core_counts(cores),
        tweets=tweets,
        seconds=seconds,
        core_tweets=core_tweets,
    )
    shown(lambda on_step: bench_growth(plan, on_step), as_json=json)
