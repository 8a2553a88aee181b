"""`starling bench classifier`: a bundle alone, over numbers of threads and interpreters, batch sizes and lengths."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stream.bench.energy import EnergyLog
from stream.bench.result import Result, Row, describe_bundle, measuring
from stream.bench.statistics import LEAST_QUERIES, check_enough, latency_milliseconds, median
from stream.bench.workload import Source, read_tweets, token_lengths
from stream.errors import BundleError
from stream.model.bundle import Bundle, load_bundle
from stream.model.loading import available_cores
from stream.model.macs import mean_macs
from stream.processes.child import Child, module_command
from stream.settings import ModelSettings, PowerSettings

_ANSWER_SECONDS = 3600.0


@dataclass(frozen=True)
class Grid:
    """Values to combine; empty: those that fit this machine."""

    threads: Sequence[int] = ()
    interpreters: Sequence[int] = ()
    batches: Sequence[int] = (1, 8)
    lengths: Sequence[int | None] = (None,)
    """Lengths in tokens; None: the tweets' own lengths."""

    def cells(self, cores: int) -> Iterator["Cell"]:
        """Yield the combinations; those with more threads than cores only if both numbers were given."""
        halves = [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= cores]
        given = bool(self.threads and self.interpreters)
        pairs = itertools.product(self.threads or halves, self.interpreters or halves)
        fitting = [
            (threads, interpreters) for threads, interpreters in pairs if given or threads * interpreters <= cores
        ]
        for (threads, interpreters), batch, length in itertools.product(fitting, self.batches, self.lengths):
            yield Cell(threads, interpreters, batch, length)


@dataclass(frozen=True)
class Cell:
    """One combination of parameters for a bundle."""

    threads: int
    interpreters: int
    batch: int
    length: int | None
    cascade: ModelSettings | None = None
    """The cascade before the bundle: its first bundle and its threshold; None: the bundle is measured alone."""


@dataclass(frozen=True)
class Plan:
    """Parameters of `starling bench classifier`."""

    bundles: Sequence[Path] = ()
    precisions: Sequence[str] = ()
    grid: Grid = field(default_factory=Grid)
    tweets: str | None = None
    seconds: float = 60.0
    rounds: int = 3
    quick: bool = False
    power: PowerSettings = field(default_factory=PowerSettings)
    cascade: ModelSettings | None = None
    """A cascade that is measured beside each bundle, with the tweets' own lengths; None: there is none."""


def bench_classifier(plan: Plan, on_step: Callable[[str], None]) -> Result:
    """Measure each bundle with each combination of the grid, in interleaved rounds.

    Args:
        plan: What to measure.
        on_step: Called with a description of each step.

    Raises:
        StarlingError: A bundle or a file cannot be used, or the measurement would be too short.
    """
    check_enough(plan.seconds, quick=plan.quick)
    bundles = wanted_bundles(plan.bundles, plan.precisions)
    pairs = list(itertools.product(bundles, plan.grid.cells(available_cores())))
    if plan.cascade:
        pairs += [(bundle, replace(cell, cascade=plan.cascade)) for bundle, cell in pairs if cell.length is None]
    too_long = [(bundle, cell) for bundle, cell in pairs if (cell.length or 0) > bundle.manifest.max_tokens]
    pairs = [pair for pair in pairs if pair not in too_long]
    answers: list[list[dict[str, Any]]] = [[] for _ in pairs]
    settings = {"seconds": plan.seconds, "rounds": plan.rounds, "quick": plan.quick, "tweets": plan.tweets or "samples"}
    result = Result("classifier", settings, [describe_bundle(bundle) for bundle in bundles])
    result.warnings += sorted(
        {
            f"{cell.length} tokens are left out: {bundle.manifest.name} accepts at most {bundle.manifest.max_tokens}"
            for bundle, cell in too_long
        }
    )
    with measuring(result), EnergyLog(plan.power) as energy:
        for turn in range(plan.rounds):
            for number, (bundle, cell) in enumerate(pairs):
                on_step(f"round {turn + 1} of {plan.rounds}: {_describe(bundle, cell)}")
                answers[number].append(_measure(bundle, cell, plan))
        on_step("counting multiply-accumulates")
        macs = _macs(pairs, read_tweets(plan.tweets))
        for pair, found in zip(pairs, answers, strict=True):
            result.rows.append(_row(*pair, found, energy) | {"macs_per_tweet": _expected_macs(*pair, found, macs)})
    result.settings["energy"] = energy.source
    if plan.quick:
        result.warnings.append(f"quick run: a reliable latency needs at least {LEAST_QUERIES} queries and 60 s")
    return result


def wanted_bundles(paths: Sequence[Path], precisions: Sequence[str]) -> list[Bundle]:
    """Load the bundles with the given precisions.

    Args:
        paths: Their folders; empty: the shipped bundle.
        precisions: Precisions to keep; empty: all.

    Raises:
        BundleError: A bundle cannot be used, or no bundle has one of the precisions.
    """
    bundles = [load_bundle(path) for path in paths] if paths else [load_bundle(None)]
    available = {bundle.manifest.precision for bundle in bundles}
    for precision in precisions:
        if precision not in available:
            raise BundleError(
                f"no given bundle has the precision {precision} (available: {', '.join(sorted(available))}): make one "
                f"with `starling convert --precision {precision}`"
            )
    return [bundle for bundle in bundles if not precisions or bundle.manifest.precision in precisions]


def _measure(bundle: Bundle, cell: Cell, plan: Plan) -> dict[str, Any]:
    command = module_command(
        "stream.bench.worker",
        *("--bundle", bundle.path, "--threads", str(cell.threads), "--interpreters", str(cell.interpreters)),
        *(("--tweets", plan.tweets) if plan.tweets else ()),
        *_cascade_options(cell.cascade),
    )
    queries = 1 if plan.quick else -(-LEAST_QUERIES // plan.rounds)
    with Child(f"the classifier with {_describe(bundle, cell)}", command) as worker:
        job = {"job": "invoke", "batch": cell.batch, "length": cell.length, "interpreters": None, "pause": 0.0}
        return worker.ask({**job, "seconds": plan.seconds / plan.rounds, "queries": queries}, _ANSWER_SECONDS)


def _cascade_options(cascade: ModelSettings | None) -> tuple[str, ...]:
    if cascade is None or cascade.cascade_threshold is None:
        return ()
    return ("--cascade", str(cascade.cascade), "--cascade-threshold", *map(str, cascade.cascade_threshold))


def _macs(pairs: Sequence[tuple[Bundle, Cell]], tweets: Sequence[Source]) -> dict[tuple[str, int | None], int]:
    """Multiply-accumulates per tweet without padding, by model and length."""
    found: dict[tuple[str, int | None], int] = {}
    for bundle, cell in pairs:
        for each in (bundle, *([load_bundle(cell.cascade.cascade)] if cell.cascade else [])):
            if (each.sha256, cell.length) not in found:
                lengths = [cell.length] if cell.length else token_lengths(each, tweets)
                found[each.sha256, cell.length] = round(mean_macs(each.model.path, lengths))
    return found


def _expected_macs(
    bundle: Bundle, cell: Cell, answers: Sequence[dict[str, Any]], macs: dict[tuple[str, int | None], int]
) -> int:
    """Return the multiply-accumulates per tweet; a cascade's second model has only the tweets that are passed on."""
    own = macs[bundle.sha256, cell.length]
    if cell.cascade is None:
        return own
    first = macs[load_bundle(cell.cascade.cascade).sha256, cell.length]
    passed_on: float = answers[0]["passed_on"]
    return round(first + passed_on * own)


def _row(bundle: Bundle, cell: Cell, answers: Sequence[dict[str, Any]], energy: EnergyLog) -> Row:
    """Result row of a cell: medians of its rounds, percentiles of all their calls."""
    joules = [energy.joules(found["started"], found["started"] + found["wall_seconds"]) for found in answers]
    known = [used / found["tweets"] for used, found in zip(joules, answers, strict=True) if used is not None]
    rates = [found["tweets"] / found["wall_seconds"] for found in answers]
    named = (*([load_bundle(cell.cascade.cascade).manifest.name] if cell.cascade else []), bundle.manifest.name)
    return {
        "model": " before ".join(named),
        "precision": bundle.manifest.precision,
        "sha256": bundle.sha256,
        "threads": cell.threads,
        "interpreters": cell.interpreters,
        "batch": cell.batch,
        "tokens": cell.length,
        "queries": sum(len(found["call_seconds"]) for found in answers),
        "tweets": sum(found["tweets"] for found in answers),
        "wall_seconds": round(sum(found["wall_seconds"] for found in answers), 3),
        "cpu_seconds": round(sum(found["cpu_seconds"] for found in answers), 3),
        "tweets_per_second": round(median(rates), 2),
        "tweets_per_second_of_rounds": [round(rate, 2) for rate in rates],
        "cpu_ms_per_tweet": round(median([1000 * found["cpu_seconds"] / found["tweets"] for found in answers]), 4),
        "latency_ms": latency_milliseconds([seconds for found in answers for seconds in found["call_seconds"]]),
        "resident_bytes": max(found["resident_bytes"] for found in answers),
        "joules_per_tweet": median(known) if known else None,
        **({"passed_on": answers[0]["passed_on"]} if cell.cascade else {}),
    }


def _describe(bundle: Bundle, cell: Cell) -> str:
    length = f"{cell.length} tokens" if cell.length else "own length"
    return (
        f"{bundle.manifest.name} {bundle.manifest.precision}, {cell.interpreters} interpreters with {cell.threads} "
        f"threads each, batches of {cell.batch}, {length}{', after a cascade' if cell.cascade else ''}"
    )
