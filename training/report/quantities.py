"""The quantities of a report: name, unit and format of each, and its value in a run."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from stream.experiment.record import RunRecord
from stream.experiment.summary import SystemUse
from stream.power.reading import Estimate
from training.evaluation.reliability import mean_reliability
from training.report.indices import (
    Bits,
    Joules,
    OperationsPerSecond,
    Seconds,
    Share,
    model_performance_index,
    paper_energy,
    paper_power,
    percent,
    resource_efficiency_ratio,
    speed_index,
)

WEIGHT_BITS = {"float32": Bits(32), "float16": Bits(16), "int8": Bits(8)}
PAPER_OPERATIONS = 3.6e8
"""Operations per tweet that follow from the paper's FLOPS, in every row of its Table IV but one."""
RANDOM_WEIGHTS = "random weights"
"""`base` of a model that has only the shape of another one: its labels mean nothing."""


@dataclass(frozen=True)
class Manner:
    """The way a quantity is written."""

    title: str
    unit: str
    scale: float = 1.0
    """Factor from the SI value to the written value."""
    digits: int = 3
    """Significant digits."""

    @property
    def axis(self) -> str:
        """Name and unit, for an axis or a table's head."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


class Quantity(Enum):
    """All quantities; those that the paper defines in its own way say so in their unit."""

    FILE_BYTES = Manner("File", "MB", 1e-6)
    ACCURACY = Manner("Accuracy", "")
    MACRO_F1 = Manner("Macro-F1", "")
    RELIABILITY = Manner("Reliability", "")
    SENSITIVITY = Manner("Sensitivity", "")
    REPLAB_F = Manner("F(R, S)", "")
    SECONDS = Manner("Total time", "s", digits=4)
    SECONDS_PER_TWEET = Manner("Time per tweet", "ms", 1e3)
    LATENCY_P50 = Manner("p50", "ms", 1e3)
    LATENCY_P90 = Manner("p90", "ms", 1e3)
    LATENCY_P99 = Manner("p99", "ms", 1e3)
    TWEETS_PER_SECOND = Manner("Throughput", "tweets/s")
    FLOPS = Manner("FLOPS, counted in the graph", "GFLOP/s", 1e-9)
    PAPER_FLOPS = Manner("FLOPS, at the paper's 3.6e8 per tweet", "GFLOP/s", 1e-9)
    CPU_BEFORE = Manner("CPU before", "%", 100)
    CPU = Manner("CPU, system", "%", 100)
    CPU_AFTER = Manner("CPU after", "%", 100)
    MEMORY_BEFORE = Manner("Memory before", "%", 100)
    MEMORY = Manner("Memory, system", "%", 100)
    MEMORY_AFTER = Manner("Memory after", "%", 100)
    PROCESS_CPU = Manner("CPU, process", "% of a core", 100)
    PROCESS_CPU_SHARE = Manner("CPU, process", "% of all cores", 100)
    PROCESS_CPU_PER_TWEET = Manner("CPU time per tweet", "ms", 1e3)
    PROCESS_BYTES = Manner("Memory, process", "MB", 1e-6)
    PROCESS_MEMORY_SHARE = Manner("Memory, process", "%", 100)
    WATTS_IDLE = Manner("Idle power", "W")
    WATTS = Manner("Mean power", "W")
    WATTS_ABOVE_IDLE = Manner("Power above idle", "W")
    JOULES = Manner("Energy", "J")
    JOULES_PER_TWEET = Manner("Energy per tweet", "J")
    JOULES_ABOVE_IDLE_PER_TWEET = Manner("Energy per tweet, above idle", "J")
    JOULES_PER_CORRECT = Manner("Energy per correct label", "J")
    PAPER_POWER = Manner("'Power'", "kW, readings summed", digits=4)
    PAPER_WATTS_PER_SAMPLE = Manner("'W/sample'", "W, readings summed")
    SI = Manner("SI, speed index", "")
    MPI = Manner("MPI", "")
    RER = Manner("RER", "")
    RER_OF_POWER = Manner("RER, if energy is 'Power'", "")
    LOAD_SECONDS = Manner("Loading", "s")
    TOKENS = Manner("Tokens", "per tweet")
    CELSIUS = Manner("Highest temperature", "°C")

    @property
    def manner(self) -> Manner:
        """The way it is written."""
        return self.value


Numbers = dict[Quantity, float]
Q = Quantity


def numbers_of(record: RunRecord) -> Numbers:
    """Return all quantities of a run that are known."""
    errors = estimates_of(record)
    found = (
        _model(record)
        | _time(record)
        | _machine(record)
        | {quantity: estimate.value for quantity, estimate in errors.items()}
        | _speed(record)
    )
    return {quantity: value for quantity, value in found.items() if not math.isnan(value)}


def estimates_of(record: RunRecord) -> dict[Quantity, Estimate]:
    """Return the quantities of a run that a power meter measured, with the meter's errors."""
    during = record.during.watts
    if during is None or record.tweets == 0:
        return {}
    # The mean power also stands for the short time that no reading covers; a long time without readings is a caveat.
    joules = during * record.seconds
    found = {Q.WATTS: during, Q.JOULES: joules, Q.JOULES_PER_TWEET: joules * (1 / record.tweets)}
    if record.correct:
        found[Q.JOULES_PER_CORRECT] = joules * (1 / record.correct)
    if record.idle_watts:
        found[Q.WATTS_IDLE] = record.idle_watts
    if record.above_idle_watts:
        found[Q.WATTS_ABOVE_IDLE] = record.above_idle_watts
        found[Q.JOULES_ABOVE_IDLE_PER_TWEET] = record.above_idle_watts * (record.seconds / record.tweets)
    return found | _paper_energy(record, joules)


def _paper_energy(record: RunRecord, joules: Estimate) -> dict[Quantity, Estimate]:
    power = paper_power(Joules(joules.value))
    if power <= 0:
        return {}
    values = {Q.PAPER_POWER: float(power), Q.PAPER_WATTS_PER_SAMPLE: 1000 * power / record.tweets}
    if not _has_random_weights(record):
        values[Q.MPI] = model_performance_index(Share(record.accuracy), Share(record.macro_f1), power)
    cpu, memory = percent(Share(record.during.cpu)), percent(Share(record.during.memory))
    if cpu > 0 and memory > 0:
        values[Q.RER] = resource_efficiency_ratio(paper_energy(power, Seconds(record.seconds)), cpu, memory)
        values[Q.RER_OF_POWER] = values[Q.RER] / record.seconds
    return {quantity: _with_relative_errors(value, joules) for quantity, value in values.items()}


def _with_relative_errors(value: float, source: Estimate) -> Estimate:
    """Return a value that is proportional, or inversely proportional, to a measured one, with its relative errors."""
    factor = abs(value / source.value)
    return Estimate(value, source.noise * factor, source.offset * factor, source.scale * factor)


def _has_random_weights(record: RunRecord) -> bool:
    return record.subject.base == RANDOM_WEIGHTS


def _model(record: RunRecord) -> Numbers:
    found: Numbers = {
        Q.FILE_BYTES: record.subject.file_bytes,
        Q.TOKENS: record.tokens,
        Q.LOAD_SECONDS: record.load_seconds,
    }
    if _has_random_weights(record):
        return found
    return found | {Q.ACCURACY: record.accuracy, Q.MACRO_F1: record.macro_f1} | _replab(record)


def _replab(record: RunRecord) -> Numbers:
    """Return RepLab's reliability and sensitivity, as means over the entities, where the data names entities."""
    if not record.entity_confusions:
        return {}
    found = mean_reliability([np.array(counts) for counts in record.entity_confusions.values()])
    return {Q.RELIABILITY: found.reliability, Q.SENSITIVITY: found.sensitivity, Q.REPLAB_F: found.f}


def _time(record: RunRecord) -> Numbers:
    p50, p90, p99 = record.latency_seconds
    return {
        Q.SECONDS: record.seconds,
        Q.SECONDS_PER_TWEET: record.seconds / record.tweets if record.tweets else math.nan,
        Q.LATENCY_P50: p50,
        Q.LATENCY_P90: p90,
        Q.LATENCY_P99: p99,
        Q.TWEETS_PER_SECOND: record.tweets_per_second,
        Q.FLOPS: record.operations_per_second or math.nan,
        Q.PAPER_FLOPS: PAPER_OPERATIONS * record.tweets_per_second,
    }


def _machine(record: RunRecord) -> Numbers:
    process, device = record.process, record.device
    return {
        **_system(record.before, Q.CPU_BEFORE, Q.MEMORY_BEFORE),
        **_system(record.during, Q.CPU, Q.MEMORY),
        **_system(record.after, Q.CPU_AFTER, Q.MEMORY_AFTER),
        Q.PROCESS_CPU: process.cores,
        Q.PROCESS_CPU_SHARE: process.cores / device.cores,
        Q.PROCESS_CPU_PER_TWEET: process.cores * record.seconds / record.tweets if record.tweets else math.nan,
        Q.PROCESS_BYTES: process.resident_bytes,
        Q.PROCESS_MEMORY_SHARE: process.resident_bytes / device.memory_bytes,
        Q.CELSIUS: record.celsius,
    }


def _system(use: SystemUse, cpu: Quantity, memory: Quantity) -> Numbers:
    return {cpu: use.cpu, memory: use.memory}


def _speed(record: RunRecord) -> Numbers:
    flops, bits = record.operations_per_second, WEIGHT_BITS.get(record.subject.precision)
    if flops <= 0 or bits is None:
        return {}
    return {Q.SI: speed_index(OperationsPerSecond(flops), bits, Seconds(record.seconds))}
