"""`starling gate …`: names, options and help."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in stream/cli.py: options are plain booleans, and a command imports what it needs when it runs. It has many
# options.

from pathlib import Path
from typing import Annotated

import typer

from stream.commands.options import Config, Json

gate = typer.Typer(
    name="gate",
    help="Judge an update of this node: does it label as well as before, and as its peers do?",
    no_args_is_help=True,
)

_File = Annotated[
    Path, typer.Argument(help="File for the state before the update; `before` writes and `after` reads it.")
]
_Peers = Annotated[
    list[str] | None,
    typer.Option(
        "--peer",
        metavar="URL",
        help="A node that is not updated meanwhile, for instance http://pi-2:9108; read with this node's user and "
        "password. Repeat the option for several.",
    ),
]
_PeerAuthority = Annotated[
    Path | None, typer.Option("--peer-ca", help="Authority of the peers' certificates (PEM); default: the system's.")
]
_Tweets = Annotated[int, typer.Option(min=1, help="Number of tweets to wait for.")]


@gate.command()
def before(
    file: _File,
    peer: _Peers = None,
    peer_ca: _PeerAuthority = None,
    tweets: _Tweets = 60,
    seconds: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for them; then all that the node has counted is taken.")
    ] = 15.0,
    config: Config = None,
) -> None:
    """Observe the node before an update, and write its statistics to a file."""
    from stream.commands.gate.gate import Request, record
    from stream.commands.gate.watching import Patience

    record(Request(file, config, peer or [], peer_ca, Patience(0.0, seconds, tweets)))


@gate.command()
def after(
    file: _File,
    peer: _Peers = None,
    peer_ca: _PeerAuthority = None,
    tweets: _Tweets = 60,
    seconds: Annotated[
        float,
        typer.Option(min=0, help="Seconds to observe at least: longer than the watchdog needs to notice a hang."),
    ] = 100.0,
    most_seconds: Annotated[float, typer.Option(min=0, help="Seconds to wait for the tweets, at most.")] = 600.0,
    latency_ratio: Annotated[float, typer.Option(min=1, help="Mean time per tweet, divided by that before.")] = 2.0,
    rejected_rise: Annotated[float, typer.Option(min=0, max=1, help="Rise of the share of rejected messages.")] = 0.05,
    label_shift: Annotated[float, typer.Option(min=0, max=1, help="Change of the share of a polarity.")] = 0.2,
    confidence_drop: Annotated[float, typer.Option(min=0, max=1, help="Drop of the mean confidence.")] = 0.05,
    json: Json = False,
    config: Config = None,
) -> None:
    """Observe the node after the update, and exit with 1 if it is worse by more than the limits."""
    from stream.commands.gate.gate import Request, judge
    from stream.commands.gate.judgement import Limits
    from stream.commands.gate.watching import Patience

    limits = Limits(
        latency_ratio=latency_ratio,
        rejected_rise=rejected_rise,
        label_shift=label_shift,
        confidence_drop=confidence_drop,
    )
    patience = Patience(seconds, max(seconds, most_seconds), tweets)
    judge(Request(file, config, peer or [], peer_ca, patience, limits), as_json=json)
