"""The two halves of `starling gate`: before an update, and after it."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, ValidationError

from stream.commands.gate.endpoint import Endpoints, endpoints
from stream.commands.gate.judgement import Limits, Peer, complaints
from stream.commands.gate.readings import Reading
from stream.commands.gate.watching import Observation, Past, Patience, between, lifetime, observe, past_of, read_all
from stream.errors import InputError
from stream.settings import load_settings


@dataclass(frozen=True, slots=True)
class Request:
    """Arguments of the command.

    Args:
        file: File for the past, which the first half writes and the second reads.
        config: The settings file of the node.
        peers: URLs of the peers.
        peer_authority: The authority that signed the peers' certificates; None: one that the system trusts.
        patience: Duration of the observation.
        limits: The accepted differences.
    """

    file: Path
    config: Path | None
    peers: Sequence[str]
    peer_authority: Path | None
    patience: Patience
    limits: Limits = field(default_factory=Limits)


class Before(BaseModel):
    """The content of the file: a node and its peers before an update."""

    own: Past | None = None
    peers: dict[str, Past] = {}


@dataclass(frozen=True, slots=True)
class _After:
    own: Observation
    peers: dict[str, Past]


def record(request: Request) -> None:
    """Observe a node and its peers before an update, and write what was seen to the file.

    Raises:
        StarlingError: The settings are wrong, or the file cannot be written.
    """
    before = asyncio.run(_before(request))
    try:
        request.file.write_text(before.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {request.file}: {error.strerror}") from error
    seen = "does not answer" if before.own is None else _summary(before.own)
    typer.echo(f"before: {seen}; {len(before.peers)} of {len(request.peers)} peers answer")


def judge(request: Request, *, as_json: bool) -> None:
    """Observe a node and its peers after an update, show what is worse than before, and exit with 1 if anything is.

    Args:
        request: The arguments.
        as_json: Whether to print a JSON object instead of lines.

    Raises:
        StarlingError: The settings are wrong, or the file cannot be read.
    """
    before = _read(request.file)
    after = asyncio.run(_after(request))
    peers = [Peer(before.peers.get(name, past), past) for name, past in after.peers.items()]
    found = complaints(before.own, after.own, peers, request.limits)
    seen = Past(counts=after.own.counts, seconds=after.own.seconds)
    if as_json:
        typer.echo(
            orjson.dumps({"passed": not found, "complaints": found, "seen": _summary(seen), "peers": len(peers)})
        )
    else:
        for complaint in found:
            typer.echo(f"worse: {complaint}")
        typer.echo(f"after: {_summary(seen)}; compared with {_sources(before, peers)}")
    if found:
        sys.exit(1)


async def _before(request: Request) -> Before:
    async with endpoints(load_settings(request.config).http, request.peers, request.peer_authority) as nodes:
        watch = await observe(nodes.own, request.patience, lambda _: False)
        peers = await read_all(nodes.peers)
    own = past_of(watch, request.patience.tweets)
    return Before(own=own, peers={name: lifetime(reading) for name, reading in peers.items()})


async def _after(request: Request) -> _After:
    async with endpoints(load_settings(request.config).http, request.peers, request.peer_authority) as nodes:
        started, first = time.monotonic(), await read_all(nodes.peers)
        watch = await observe(nodes.own, request.patience, lambda seen: _is_broken(seen, request.limits))
        return _After(watch.result(), await _peers(nodes, first, started))


async def _peers(nodes: Endpoints, first: dict[str, Reading], started: float) -> dict[str, Past]:
    last = await read_all(nodes.peers)
    return between(first, last, time.monotonic() - started)


def _is_broken(seen: Observation, limits: Limits) -> bool:
    """Return whether a fault is certain, which a node that is not ready for a moment is not."""
    return seen.restarted or max(seen.silent_seconds, seen.stuck_seconds) > limits.stuck_seconds


def _read(file: Path) -> Before:
    try:
        return Before.model_validate_json(file.read_bytes())
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror}; run `starling gate before` before the update"
        ) from error
    except ValidationError as error:
        raise InputError(f"{file} was not written by `starling gate before`: run it again before the update") from error


def _summary(seen: Past) -> str:
    counts = seen.counts
    shares = ", ".join(f"{labels / counts.labelled:.0%} {name}" for name, labels in counts.labels.items() if labels)
    rejected = counts.rejected / counts.received if counts.received else 0.0
    return (
        f"{counts.seconds.count:.0f} tweets in {seen.seconds:.0f} s, {1000 * counts.seconds.mean:.1f} ms each, "
        f"{rejected:.1%} rejected, {shares or 'no labels'}"
    )


def _sources(before: Before, peers: Sequence[Peer]) -> str:
    past = "its past" if before.own and before.own.counts.received else "no past"
    return f"{past} and {len(peers)} peers"
