"""Rows of an end-to-end measurement: what a load shows of the service, and of the parts around it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stream.bench.energy import EnergyLog
from stream.bench.result import Row
from stream.bench.rig import SERVICE, Load, Rig
from stream.bench.statistics import latency_milliseconds, median

Stretch = tuple[float, float]


def open_loop_row(phase: str, rig: Rig, load: Load, energy: EnergyLog) -> Row:
    """A load that came at a rate of its own: what counts is latency."""
    stretch = (load.start_at, load.ended_at)
    return {
        "phase": phase,
        "rate": round(load.rate, 2),
        "latency_ms": latency_milliseconds(load.latencies),
        "publisher_late_ms": round(1000 * load.latest_seconds, 2),
        **_row(rig, [load], [stretch], energy),
    }


def backlog_row(phase: str, rig: Rig, loads: Sequence[Load], energy: EnergyLog) -> Row:
    """Load that waited in the broker: what counts is how fast they were worked off."""
    return {
        "phase": phase,
        "rate": None,
        "latency_ms": None,
        **_row(rig, loads, [load.steady() for load in loads], energy),
    }


def bare_row(phase: str, answers: Sequence[dict[str, Any]], *, with_latency: bool) -> Row:
    """The rounds of the bare classifier."""
    calls = [seconds for answer in answers for seconds in answer["call_seconds"]]
    return {
        "phase": phase,
        "rate": None,
        "latency_ms": latency_milliseconds(calls) if with_latency else None,
        "tweets": sum(answer["tweets"] for answer in answers),
        "tweets_per_second": round(median([answer["tweets"] / answer["wall_seconds"] for answer in answers]), 2),
        "cpu_ms_per_tweet": round(median([1000 * answer["cpu_seconds"] / answer["tweets"] for answer in answers]), 4),
        "resident_bytes": max(answer["resident_bytes"] for answer in answers),
    }


def tweets_per_second(load: Load) -> float:
    """How fast a backlog was worked off."""
    start, end = load.steady()
    return load.labelled_between(start, end) / max(1e-9, end - start)


def _row(rig: Rig, loads: Sequence[Load], stretches: Sequence[Stretch], energy: EnergyLog) -> Row:
    counts = [max(1, load.labelled_between(*stretch)) for load, stretch in zip(loads, stretches, strict=True)]
    rates = [count / max(1e-9, end - start) for count, (start, end) in zip(counts, stretches, strict=True)]
    joules = [energy.joules(*stretch) for stretch in stretches]
    per_tweet = [used / count for used, count in zip(joules, counts, strict=True) if used is not None]
    beside = [part for part in rig.sampled if part != SERVICE]
    return {
        "tweets": sum(load.labelled for load in loads),
        "lost": sum(load.lost for load in loads),
        "duplicates": sum(load.duplicates for load in loads),
        "rejected": sum(load.rejected for load in loads),
        "wall_seconds": round(sum(end - start for start, end in stretches), 3),
        "tweets_per_second": round(median(rates), 2),
        "tweets_per_second_of_rounds": [round(rate, 2) for rate in rates],
        "cpu_ms_per_tweet": _cpu_ms(rig, SERVICE, counts, stretches),
        "beside_cpu_ms_per_tweet": {part: _cpu_ms(rig, part, counts, stretches) for part in beside},
        "resident_bytes": max(rig.sampled[SERVICE].most_resident_bytes(*stretch) for stretch in stretches),
        "joules_per_tweet": median(per_tweet) if per_tweet else None,
    }


def _cpu_ms(rig: Rig, part: str, counts: Sequence[int], stretches: Sequence[Stretch]) -> float:
    """CPU milliseconds that a part used for each label; the median of the rounds."""
    used = [rig.sampled[part].cpu_between(*stretch) for stretch in stretches]
    return round(float(np.median([1000 * seconds / count for seconds, count in zip(used, counts, strict=True)])), 4)
