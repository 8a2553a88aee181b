"""The numbers of a run, computed from its columns: SI units, ratios from 0 to 1, NaN where a number is not known."""

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer

from stream.experiment.energy import above_idle_watts, energy_over, idle_watts, watts_over
from stream.experiment.measures import accuracy, confusion, macro_f1
from stream.experiment.results import CellResult, Samples, Section, Span
from stream.model.macs import OPERATIONS_PER_MAC
from stream.power.reading import Estimate

Column = NDArray[np.float64]
_PARTS = ("value", "noise", "offset", "scale")


def _null_for_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan_for_null(value: Any) -> Any:  # noqa: ANN401  (JSON)
    return math.nan if value is None else value


def _estimate_json(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    parts = {name: _null_for_nan(getattr(estimate, name)) for name in _PARTS}
    return parts | {"standard_error": _null_for_nan(estimate.standard_error)}


def _estimate_of_json(value: Any) -> Any:  # noqa: ANN401  (JSON)
    if isinstance(value, dict):
        return Estimate(*(_nan_for_null(value.get(name)) for name in _PARTS))
    return value


Number = Annotated[float, BeforeValidator(_nan_for_null), PlainSerializer(_null_for_nan)]
"""A number that is null in JSON where it is not known."""
Measured = Annotated[Estimate | None, BeforeValidator(_estimate_of_json), PlainSerializer(_estimate_json)]
"""A quantity with its standard errors."""


class SystemUse(Section):
    """The whole machine over an interval; NaN where there are too few samples."""

    cpu: Number
    """Busy share of all cores' time."""
    memory: Number
    """Mean share of memory that was not available."""
    samples: int
    watts: Measured
    """Mean power; None: not measured."""


class ProcessUse(Section):
    """The worker's process while it labelled."""

    cores: Number
    """CPU seconds per second: 1 is one core, always busy."""
    cpu_seconds: Number
    resident_bytes: Number
    """Mean resident memory."""
    most_resident_bytes: Number


class Summary(Section):
    """The numbers of a run."""

    tweets: int
    seconds: float
    accuracy: float
    macro_f1: float
    latency_seconds: tuple[Number, Number, Number]
    """50th, 90th and 99th percentile."""
    inference_seconds: Number
    """Mean time of an inference."""
    tokens: Number
    """Mean number of tokens, without padding."""
    operations: float
    """Floating-point operations of all tweets, two per multiply-accumulate."""
    before: SystemUse
    during: SystemUse
    after: SystemUse
    process: ProcessUse
    joules: Measured
    """Energy of the measured part of labelling."""
    idle_watts: Measured = None
    """Mean power before and after labelling."""
    above_idle_watts: Measured = None
    """Mean power during labelling minus the idle power."""
    measured_seconds: float
    """Part of the labelling time in which power was measured."""
    celsius: Number
    """Highest temperature; NaN if the machine has no sensor."""
    hertz: Number
    """Mean frequency; NaN if the machine does not report it."""

    @property
    def tweets_per_second(self) -> float:
        """Throughput, one tweet after the other."""
        return self.tweets / self.seconds

    @property
    def operations_per_second(self) -> float:
        """The paper's FLOPS: operations per second."""
        return self.operations / self.seconds

    @property
    def correct(self) -> int:
        """Number of tweets with their gold label."""
        return round(self.accuracy * self.tweets)


def summarise(result: CellResult) -> Summary:
    """Compute the numbers of a run."""
    tweets, phases = result.tweets, result.phases
    counts = confusion(tweets.gold, tweets.given)
    energy = energy_over(result.power, phases.during) if result.power else None
    during = _within(result.samples, phases.during)
    uses = {name: _system(result, getattr(phases, name)) for name in ("before", "during", "after")}
    return Summary(
        tweets=len(tweets.gold),
        seconds=phases.during.seconds,
        accuracy=accuracy(counts),
        macro_f1=macro_f1(counts),
        latency_seconds=_percentiles(tweets.seconds),
        inference_seconds=_mean(np.array(tweets.inference_seconds)),
        tokens=_mean(np.array(tweets.tokens, dtype=float)),
        operations=float(OPERATIONS_PER_MAC * sum(result.macs_by_tokens[length] for length in tweets.padded_tokens)),
        before=uses["before"],
        during=uses["during"],
        after=uses["after"],
        process=_process(during, result.samples.ticks_per_second),
        joules=_joules(uses["during"].watts, energy.measured_seconds) if energy else None,
        idle_watts=idle_watts(result.power, phases) if result.power else None,
        above_idle_watts=above_idle_watts(result.power, phases) if result.power else None,
        measured_seconds=energy.measured_seconds if energy else 0.0,
        celsius=_most(during["celsius"]),
        hertz=_mean(during["hertz"]),
    )


def _joules(watts: Estimate | None, measured_seconds: float) -> Estimate | None:
    return watts * measured_seconds if watts else None


def _within(samples: Samples, span: Span) -> dict[str, Column]:
    """Return the columns of the samples taken in an interval, with NaN for unknown values."""
    columns = {name: np.array(column, dtype=float) for name, column in samples.columns.items()}
    seconds = columns["seconds"]
    chosen = (seconds >= span.start_seconds) & (seconds <= span.end_seconds)
    return {name: column[chosen] for name, column in columns.items()}


def _system(result: CellResult, span: Span) -> SystemUse:
    columns = _within(result.samples, span)
    return SystemUse(
        cpu=_ratio(_growth(columns["cpu_busy_ticks"]), _growth(columns["cpu_ticks"])),
        memory=1 - _mean(columns["memory_available_bytes"]) / result.device.memory_bytes,
        samples=len(columns["seconds"]),
        watts=watts_over(result.power, span) if result.power else None,
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
