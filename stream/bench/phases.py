"""Result rows of an end-to-end measurement: the service and the parts around it under a load."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stream.bench.energy import EnergyLog
from stream.bench.result import Row
from stream.bench.rig import SERVICE, Load, Rig
from stream.bench.statistics import latency_milliseconds, median

Interval = tuple[float, float]


def open_loop_row(phase: str, rig: Rig, load: Load, energy: EnergyLog) -> Row:
    """Result row of a load with a given rate (open loop); it has latencies."""
    interval = (load.start_at, load.ended_at)
    return {
        "phase": phase,
        "rate": round(load.rate, 2),
        "latency_ms": latency_milliseconds(load.latencies),
        "publisher_late_ms": round(1000 * load.latest_seconds, 2),
        **_row(rig, [load], [interval], energy),
    }


def backlog_row(phase: str, rig: Rig, loads: Sequence[Load], energy: EnergyLog) -> Row:
    """Result row of loads that waited in the broker; it has the throughput, no latencies."""
    return {
        "phase": phase,
        "rate": None,
        "latency_ms": None,
        **_row(rig, loads, [load.steady() for load in loads], energy),
    }


def bare_row(phase: str, answers: Sequence[dict[str, Any]], *, with_latency: bool) -> Row:
    """Result row of the bare classifier's rounds."""
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
    """Return the throughput with which a backlog was labelled."""
    start, end = load.steady()
    return load.labelled_between(start, end) / max(1e-9, end - start)


def _row(rig: Rig, loads: Sequence[Load], intervals: Sequence[Interval], energy: EnergyLog) -> Row:
    counts = [max(1, load.labelled_between(*interval)) for load, interval in zip(loads, intervals, strict=True)]
    rates = [count / max(1e-9, end - start) for count, (start, end) in zip(counts, intervals, strict=True)]
    joules = [energy.joules(*interval) for interval in intervals]
    per_tweet = [used / count for used, count in zip(joules, counts, strict=True) if used is not None]
    beside = [part for part in rig.sampled if part != SERVICE]
    return {
        "tweets": sum(load.labelled for load in loads),
        "lost": sum(load.lost for load in loads),
        "duplicates": sum(load.duplicates for load in loads),
        "rejected": sum(load.rejected for load in loads),
        "wall_seconds": round(sum(end - start for start, end in intervals), 3),
        "tweets_per_second": round(median(rates), 2),
        "tweets_per_second_of_rounds": [round(rate, 2) for rate in rates],
        "cpu_ms_per_tweet": _cpu_ms(rig, SERVICE, counts, intervals),
        "beside_cpu_ms_per_tweet": {part: _cpu_ms(rig, part, counts, intervals) for part in beside},
        "resident_bytes": max(rig.sampled[SERVICE].most_resident_bytes(*interval) for interval in intervals),
        "joules_per_tweet": median(per_tweet) if per_tweet else None,
    }


def _cpu_ms(rig: Rig, part: str, counts: Sequence[int], intervals: Sequence[Interval]) -> float:
    """CPU milliseconds of a part per label; the median of the rounds."""
    used = [rig.sampled[part].cpu_between(*interval) for interval in intervals]
    return round(float(np.median([1000 * seconds / count for seconds, count in zip(used, counts, strict=True)])), 4)
