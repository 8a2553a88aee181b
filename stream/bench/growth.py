"""`starling bench growth`: cost against the length of a tweet, the length of the broker's queue, and the cores."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stream.bench.energy import EnergyLog
from stream.bench.phases import backlog_row
from stream.bench.result import Result, Row, describe_bundle, measuring
from stream.bench.rig import our_service, running_rig
from stream.model.bundle import Bundle, load_bundle
from stream.processes.child import Child, module_command
from stream.settings import Settings

_ANSWER_SECONDS = 3600.0
_WARM_UP_TWEETS = 400
_LEAST_QUERIES = 16


@dataclass(frozen=True)
class Plan:
    """Parameters of `starling bench growth`."""

    settings: Settings
    lengths: Sequence[int]
    """Lengths of tweets in tokens."""
    backlogs: Sequence[int]
    """Numbers of tweets waiting in the broker's queue."""
    cores: Sequence[int]
    """Numbers of cores that the service may use."""
    tweets: str | None = None
    seconds: float = 5.0
    """Duration of the measurement of each length."""
    core_tweets: int = 5000
    """Number of tweets that are labelled with each number of cores."""


def bench_growth(plan: Plan, on_step: Callable[[str], None]) -> Result:
    """Measure the classifier over lengths and the service over queue lengths and cores.

    Raises:
        StarlingError: A part cannot be started.
    """
    bundle = load_bundle(plan.settings.model.path)
    settings = {"seconds": plan.seconds, "core_tweets": plan.core_tweets, "tweets": plan.tweets or "samples"}
    result = Result("growth", settings, [describe_bundle(bundle)])
    with measuring(result), EnergyLog(plan.settings.power) as energy:
        result.rows += _over_lengths(plan, bundle, result.warnings, on_step)
        result.rows += _over_backlogs(plan, energy, on_step)
        result.rows += _over_cores(plan, energy, on_step)
    return result


def _over_lengths(plan: Plan, bundle: Bundle, warnings: list[str], on_step: Callable[[str], None]) -> list[Row]:
    most = bundle.manifest.max_tokens
    warnings += [
        f"{length} tokens are left out: the model accepts at most {most}" for length in plan.lengths if length > most
    ]
    fitting = [length for length in plan.lengths if length <= most]
    if not fitting:
        return []
    command = module_command("stream.bench.worker", "--bundle", bundle.path, "--interpreters", "1")
    with Child("the classifier", command) as worker:
        return [_length_row(worker, length, plan, on_step) for length in fitting]


def _length_row(worker: Child, length: int, plan: Plan, on_step: Callable[[str], None]) -> Row:
    on_step(f"{length} tokens")
    job = {"job": "invoke", "batch": 1, "length": length, "interpreters": 1, "pause": 0.0}
    found = worker.ask({**job, "seconds": plan.seconds, "queries": _LEAST_QUERIES}, _ANSWER_SECONDS)
    return {
        "grows": "tokens a tweet",
        "to": length,
        "tweets": found["tweets"],
        "tweets_per_second": round(found["tweets"] / found["wall_seconds"], 2),
        "cpu_ms_per_tweet": round(1000 * found["cpu_seconds"] / found["tweets"], 4),
        "resident_bytes": found["resident_bytes"],
    }


def _over_backlogs(plan: Plan, energy: EnergyLog, on_step: Callable[[str], None]) -> list[Row]:
    rows: list[Row] = []
    if plan.backlogs:
        with running_rig(our_service(plan.settings), None, plan.tweets) as rig:
            rig.load(_WARM_UP_TWEETS)
            for backlog in plan.backlogs:
                on_step(f"{backlog} tweets waiting")
                rows.append(_grown("tweets waiting", backlog, backlog_row("", rig, [rig.load(backlog)], energy)))
    return rows


def _over_cores(plan: Plan, energy: EnergyLog, on_step: Callable[[str], None]) -> list[Row]:
    rows: list[Row] = []
    available = sorted(os.sched_getaffinity(0))
    for count in plan.cores:
        on_step(f"{count} cores")
        with running_rig(our_service(plan.settings, set(available[:count])), None, plan.tweets) as rig:
            rig.load(_WARM_UP_TWEETS)
            rows.append(_grown("cores", count, backlog_row("", rig, [rig.load(plan.core_tweets)], energy)))
    return rows


def _grown(what: str, to: int, row: dict[str, Any]) -> Row:
    return {"grows": what, "to": to, **{name: value for name, value in row.items() if name != "phase"}}
