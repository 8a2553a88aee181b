"""Invented results for tests of the report, simple enough to check with mental arithmetic."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stream.experiment.results import (
    CellResult,
    Data,
    Device,
    Phases,
    Power,
    Samples,
    Span,
    Subject,
    Tweets,
)
from stream.tweets.polarity import Polarity

TWEETS = 100
CORES = 4
MEMORY_BYTES = 4_000_000_000
TICKS_PER_SECOND = 100
SAMPLES_PER_SECOND = 10.0
QUIET_SECONDS = 2.0
MACS = {32: 500_000}
FILE_BYTES = {"float32": 98_000_000, "float16": 49_000_000, "int8": 25_000_000}
STARTED_AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def invented_result(
    *,
    node: str = "pi-a",
    precision: str = "int8",
    seed: int = 0,
    seconds: float = 10.0,
    watts: float | None = 5.0,
    correct: int = 80,
    **changes: Any,
) -> CellResult:
    """Return a run of a hundred tweets at a constant power, with half of all cores busy."""
    phases = _phases(seconds)
    fields: dict[str, Any] = {
        "schema": 1,
        "cell": f"mobilebert-{precision}-seed{seed}",
        "model": "mobilebert",
        "seed": seed,
        "threads": 1,
        "plan_sha256": "0" * 64,
        "planned_at": None,
        "started_at": STARTED_AT + timedelta(minutes=seed),
        "device": device(node),
        "subject": subject(precision),
        "data": Data(name="test", sha256="1" * 64, planned=TWEETS, refused=0),
        "load_seconds": 0.5,
        "phases": phases,
        "tweets": tweets(correct, seconds),
        "macs_by_tokens": MACS,
        "samples": samples(phases),
        "power": power(phases, watts) if watts else None,
        "throttled_bits": (0, 0),
    }
    return CellResult(**(fields | changes))


def device(node: str, **changes: Any) -> Device:
    fields: dict[str, Any] = {
        "node": node,
        "model": "An invented board",
        "cores": CORES,
        "memory_bytes": MEMORY_BYTES,
        "architecture": "aarch64",
        "operating_system": "Debian",
        "kernel": "6.12",
        "governors": ["ondemand"],
        "versions": {"python": "3.13.5", "starling": "0.1.0", "ai-edge-litert": "2.3.0"},
    }
    return Device(**(fields | changes))


def subject(precision: str, **changes: Any) -> Subject:
    fields: dict[str, Any] = {
        "kind": "bundle",
        "name": "mobilebert",
        "base": "google/mobilebert-uncased",
        "precision": precision,
        "sha256": "2" * 64,
        "runtime": "LiteRT",
        "file_bytes": FILE_BYTES[precision],
        "padding": "none",
    }
    return Subject(**(fields | changes))


def tweets(correct: int, seconds: float) -> Tweets:
    gold: list[Polarity] = ["positive"] * TWEETS
    right: list[Polarity] = ["positive"] * correct
    wrong: list[Polarity] = ["neutral"] * (TWEETS - correct)
    each = [seconds / TWEETS] * TWEETS
    lengths = [20] * TWEETS
    return Tweets(
        gold=gold,
        given=right + wrong,
        seconds=each,
        inference_seconds=each,
        tokens=lengths,
        padded_tokens=[32] * TWEETS,
    )


def samples(phases: Phases, *, per_second: float = SAMPLES_PER_SECOND, throttled: int = 0) -> Samples:
    """Return samples: idle before and after; while labelling half of all cores busy, one of them for the process."""
    moments = [phases.before.start_seconds + number / per_second for number in range(_count(phases, per_second))]
    busy = [_busy_seconds(moment, phases.during) for moment in moments]
    columns: dict[str, Sequence[float | None]] = {
        "seconds": moments,
        "cpu_busy_ticks": [CORES * 0.5 * each * TICKS_PER_SECOND for each in busy],
        "cpu_ticks": [CORES * (moment + 1) * TICKS_PER_SECOND for moment in moments],
        "memory_available_bytes": [0.75 * MEMORY_BYTES] * len(moments),
        "process_ticks": [each * TICKS_PER_SECOND for each in busy],
        "process_resident_bytes": [200_000_000.0] * len(moments),
        "celsius": [55.0] * len(moments),
        "hertz": [1.5e9] * len(moments),
        "throttled_bits": [throttled] * len(moments),
    }
    listed = {name: list(column) for name, column in columns.items()}
    return Samples(per_second=SAMPLES_PER_SECOND, ticks_per_second=TICKS_PER_SECOND, columns=listed)


def power(phases: Phases, watts: float, **errors: float) -> Power:
    """Return a reading per second."""
    ends = [phases.before.start_seconds + 1.0 + number for number in range(int(phases.after.end_seconds) + 1)]
    return Power(
        source="meter",
        end_seconds=ends,
        seconds=[1.0] * len(ends),
        gap_seconds=[0.0] * len(ends),
        watts=[watts] * len(ends),
        noise_watts=[errors.get("noise", 0.0)] * len(ends),
        offset_watts=[errors.get("offset", 0.0)] * len(ends),
        scale_watts=[errors.get("scale", 0.0)] * len(ends),
    )


def _phases(seconds: float) -> Phases:
    during = QUIET_SECONDS + seconds
    return Phases(
        before=Span(start_seconds=0.0, end_seconds=QUIET_SECONDS),
        during=Span(start_seconds=QUIET_SECONDS, end_seconds=during),
        after=Span(start_seconds=during, end_seconds=during + QUIET_SECONDS),
    )


def _count(phases: Phases, per_second: float) -> int:
    return int(phases.after.end_seconds * per_second) + 1


def _busy_seconds(moment: float, during: Span) -> float:
    return min(max(0.0, moment - during.start_seconds), during.seconds)
