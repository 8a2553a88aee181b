"""`starling bench …`: names, options and help; the measurements are in stream/bench/."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in stream/cli.py: options are plain booleans, and a command imports what it needs when it runs. A benchmark has
# many options.

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.commands.options import Cascade, CascadeThreshold, Config

bench = typer.Typer(
    name="bench",
    help="Measure throughput, latency, memory and energy on this machine: of a model, the service, other programs.",
    no_args_is_help=True,
)

Bundles = Annotated[
    list[Path] | None, typer.Argument(metavar="[BUNDLE]…", help="Model bundles; without one, the shipped model.")
]
Tweets = Annotated[
    str | None, typer.Option(metavar="FILE", help="Tweets as JSON lines; default: the samples that come with Starling.")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="A rough measurement of some seconds; reliable results take minutes.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Seconds = Annotated[
    float | None, typer.Option(min=0.1, help="Duration of each measurement in seconds; default: 60, with --quick 3.")
]
Rounds = Annotated[
    int | None,
    typer.Option(min=1, help="Number of rounds that each measurement is split into; default: 3, with --quick 1."),
]
Broker = Annotated[
    str | None,
    typer.Option("--broker", "-b", metavar="HOST:PORT", help="A running broker; without it, a Mosquitto is started."),
]


@bench.command()
def classifier(
    bundles: Bundles = None,
    precision: Annotated[
        str, typer.Option(metavar="LIST", help="Measure only bundles with these precisions, for instance int8,float32.")
    ] = "",
    threads: Annotated[str, typer.Option(metavar="LIST", help="Threads per interpreter, for instance 1,2.")] = "",
    interpreters: Annotated[str, typer.Option(metavar="LIST", help="Parallel interpreters, for instance 1,2.")] = "",
    batches: Annotated[str, typer.Option(metavar="LIST", help="Batch sizes in tweets.")] = "1,8",
    lengths: Annotated[
        str,
        typer.Option(
            metavar="LIST", help="Lengths in tokens, for instance 8,16,32,64; 0 or empty: the tweets' own lengths."
        ),
    ] = "",
    tweets: Tweets = None,
    cascade: Cascade = None,
    cascade_threshold: CascadeThreshold = None,
    seconds: Seconds = None,
    rounds: Rounds = None,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Measure a model alone, over threads, interpreters, batch sizes, lengths and (with several bundles) precisions."""
    from stream.bench.classifier import Grid, Plan, bench_classifier
    from stream.commands.bench.view import chosen, counts, energy_settings, shown
    from stream.commands.decision import model_settings

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
        seconds=chosen(seconds, quick=quick, default=60.0, quick_default=3.0),
        rounds=chosen(rounds, quick=quick, default=3, quick_default=1),
        quick=quick,
        power=energy_settings(),
        cascade=model_settings(None, cascade, cascade_threshold) if cascade or cascade_threshold else None,
    )
    shown(lambda on_step: bench_classifier(plan, on_step), as_json=json)


@bench.command()
def service(
    rate: Annotated[
        float, typer.Option(min=0, help="Tweets per second; 0: measure saturation, then half of it.")
    ] = 0.0,
    arrivals: Annotated[
        Literal["poisson", "even"],
        typer.Option(help="Intervals between tweets: random as of independent tweets, or equal."),
    ] = "poisson",
    overload: Annotated[
        float,
        typer.Option(
            min=0, help="At the end, send this multiple of the saturation throughput, for instance 5; 0: do not."
        ),
    ] = 0.0,
    tweets: Tweets = None,
    broker: Broker = None,
    config: Config = None,
    seconds: Seconds = None,
    rounds: Rounds = None,
    quick: Quick = False,
    json: Json = False,
) -> None:
    """Measure the service end to end: idle, one tweet at a time, saturated, at half of saturation."""
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
        seconds=chosen(seconds, quick=quick, default=60.0, quick_default=3.0),
        rounds=chosen(rounds, quick=quick, default=3, quick_default=1),
        overload=overload,
        quick=quick,
    )
    shown(lambda on_step: bench_service(plan, on_step), as_json=json)


@bench.command()
def compare(
    peers: Annotated[
        Path, typer.Argument(metavar="PEERS.toml", help="The programs to compare with; see docs/performance.md.")
    ],
    only: Annotated[str, typer.Option(metavar="LIST", help="Measure only the peers with these names.")] = "",
    tweets: Tweets = None,
    config: Config = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration of each turn in seconds.")] = 10.0,
    rounds: Annotated[int, typer.Option(min=1, help="Number of turns of each peer.")] = 5,
    json: Json = False,
) -> None:
    """Measure our service and classifier in turns with other programs: same tweets, same machine."""
    from stream.bench.compare import Plan, bench_compare
    from stream.commands.bench.view import shown
    from stream.settings import load_settings

    wanted = [name for name in only.split(",") if name]
    plan = Plan(load_settings(config), peers, tweets=tweets, seconds=seconds, rounds=rounds, only=wanted)
    shown(lambda on_step: bench_compare(plan, on_step), as_json=json)


@bench.command()
def growth(
    lengths: Annotated[str, typer.Option(metavar="LIST", help="Lengths in tokens; 0: none.")] = "4,8,16,24,32,48,64,80",
    backlogs: Annotated[str, typer.Option(metavar="LIST", help="Numbers of tweets waiting in the broker; 0: none.")] = (
        "1000,10000,100000"
    ),
    cores: Annotated[
        str, typer.Option(metavar="LIST", help="Numbers of cores for the service; default: 1, 2, 4 and so on; 0: none.")
    ] = "",
    tweets: Tweets = None,
    config: Config = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Duration of the measurement of each length in seconds.")
    ] = 10.0,
    core_tweets: Annotated[int, typer.Option(min=1, help="Number of tweets for each number of cores.")] = 10_000,
    json: Json = False,
) -> None:
    """Measure cost against the length of a tweet, the number of waiting tweets, and the number of cores."""
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
