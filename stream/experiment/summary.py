"""A run in numbers: what its columns come to, in SI units, shares from 0 to 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.experiment.energy import energy_over
from stream.experiment.measures import accuracy, confusion, macro_f1
from stream.experiment.results import CellResult, Samples, Span
from stream.model.macs import OPERATIONS_PER_MAC
from stream.power.reading import Estimate

Column = NDArray[np.float64]


@dataclass(frozen=True)
class SystemUse:
    """The whole machine over a stretch of time; NaN where there are too few samples to say."""

    cpu: float
    """The share of all cores' time that was not idle."""
    memory: float
    """The mean share of memory that was not available."""
    samples: int
    watts: Estimate | None
    """The mean power; None where nothing was measured."""


@dataclass(frozen=True)
class ProcessUse:
    """The worker's process while it labelled."""

    cores: float
    """CPU seconds by seconds: 1 is one core, always busy."""
    cpu_seconds: float
    resident_bytes: float
    """The mean."""
    most_resident_bytes: float


@dataclass(frozen=True)
class Summary:
    """A run."""

    tweets: int
    seconds: float
    accuracy: float
    macro_f1: float
    latency_seconds: tuple[float, float, float]
    """The 50th, 90th and 99th percentile."""
    inference_seconds: float
    """The mean."""
    tokens: float
    """The mean, padding not counted."""
    operations: float
    """Floating-point operations of all tweets together, two for each multiply-accumulate."""
    before: SystemUse
    during: SystemUse
    after: SystemUse
    process: ProcessUse
    joules: Estimate | None
    measured_seconds: float
    """Of how much of the time the energy is known."""
    celsius: float
    """The highest; NaN where the machine does not tell."""
    hertz: float
    """The mean; NaN likewise."""

    @property
    def tweets_per_second(self) -> float:
        """One after the other."""
        return self.tweets / self.seconds

    @property
    def operations_per_second(self) -> float:
        """The paper's FLOPS: operations done over time."""
        return self.operations / self.seconds

    @property
    def correct(self) -> int:
        """Tweets with their gold label."""
        return round(self.accuracy * self.tweets)


def summarise(result: CellResult) -> Summary:
    """Work out a run's numbers."""
    tweets, phases = result.tweets, result.phases
    counts = confusion(tweets.gold, tweets.given)
    energy = energy_over(result.power, phases.during) if result.power else None
    during = _within(result.samples, phases.during)
    return Summary(
        tweets=len(tweets.gold),
        seconds=phases.during.seconds,
        accuracy=accuracy(counts),
        macro_f1=macro_f1(counts),
        latency_seconds=_percentiles(tweets.seconds),
        inference_seconds=_mean(np.array(tweets.inference_seconds)),
        tokens=_mean(np.array(tweets.tokens, dtype=float)),
        operations=float(OPERATIONS_PER_MAC * sum(result.macs_by_tokens[length] for length in tweets.padded_tokens)),
        before=_system(result, phases.before),
        during=_system(result, phases.during),
        after=_system(result, phases.after),
        process=_process(during, result.samples.ticks_per_second),
        joules=energy.joules if energy and energy.measured_seconds else None,
        measured_seconds=energy.measured_seconds if energy else 0.0,
        celsius=_most(during["celsius"]),
        hertz=_mean(during["hertz"]),
    )


def _within(samples: Samples, span: Span) -> dict[str, Column]:
    """The columns of the samples that were taken in a stretch of time, NaN for what was not known."""
    columns = {name: np.array(column, dtype=float) for name, column in samples.columns.items()}
    seconds = columns["seconds"]
    chosen = (seconds >= span.start_seconds) & (seconds <= span.end_seconds)
    return {name: column[chosen] for name, column in columns.items()}


def _system(result: CellResult, span: Span) -> SystemUse:
    columns = _within(result.samples, span)
    energy = energy_over(result.power, span) if result.power else None
    return SystemUse(
        cpu=_ratio(_growth(columns["cpu_busy_ticks"]), _growth(columns["cpu_ticks"])),
        memory=1 - _mean(columns["memory_available_bytes"]) / result.device.memory_bytes,
        samples=len(columns["seconds"]),
        watts=energy.watts if energy else None,
    )


def _process(columns: dict[str, Column], ticks_per_second: int) -> ProcessUse:
    cpu_seconds = _growth(columns["process_ticks"]) / ticks_per_second
    return ProcessUse(
        cores=_ratio(cpu_seconds, _growth(columns["seconds"])),
        cpu_seconds=cpu_seconds,
        resident_bytes=_mean(columns["process_resident_bytes"]),
        most_resident_bytes=_most(columns["process_resident_bytes"]),
    )


def _percentiles(seconds: list[float]) -> tuple[float, float, float]:
    if not seconds:
        return (np.nan, np.nan, np.nan)
    p50, p90, p99 = np.percentile(seconds, [50, 90, 99]).tolist()
    return p50, p90, p99


def _growth(column: Column) -> float:
    return float(column[-1] - column[0]) if len(column) > 1 else np.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else np.nan


def _mean(column: Column) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else np.nan


def _most(column: Column) -> float:
    known = column[~np.isnan(column)]
    return float(known.max()) if len(known) else np.nan
