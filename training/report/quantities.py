"""What a report speaks of: each quantity's name, unit and manner of writing, and how it comes out of a run."""

import math
from dataclasses import dataclass
from enum import Enum

from stream.experiment.results import CellResult
from stream.experiment.summary import Summary, SystemUse
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
    sustainability_index,
)

WEIGHT_BITS = {"float32": Bits(32), "float16": Bits(16), "int8": Bits(8)}
PAPER_OPERATIONS = 3.6e8
"""Operations a tweet that the paper's FLOPS come to, in every row of its Table IV but one."""


@dataclass(frozen=True)
class Manner:
    """How a quantity is written."""

    title: str
    unit: str
    scale: float = 1.0
    """From the SI value to what is written."""
    digits: int = 3
    """Significant ones."""

    @property
    def axis(self) -> str:
        """For a figure's axis or a table's head."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


class Quantity(Enum):
    """All quantities; those of the paper's own making say so in their unit."""

    FILE_BYTES = Manner("File", "MB", 1e-6)
    ACCURACY = Manner("Accuracy", "%", 100)
    MACRO_F1 = Manner("Macro-F1", "%", 100)
    SECONDS = Manner("Total time", "s", digits=4)
    SECONDS_PER_TWEET = Manner("Time a tweet", "ms", 1e3)
    LATENCY_P50 = Manner("p50", "ms", 1e3)
    LATENCY_P90 = Manner("p90", "ms", 1e3)
    LATENCY_P99 = Manner("p99", "ms", 1e3)
    TWEETS_PER_SECOND = Manner("Throughput", "tweets/s")
    FLOPS = Manner("FLOPS, counted in the graph", "GFLOP/s", 1e-9)
    PAPER_FLOPS = Manner("FLOPS, at the paper's 3.6e8 a tweet", "GFLOP/s", 1e-9)
    CPU_BEFORE = Manner("CPU before", "%", 100)
    CPU = Manner("CPU, system", "%", 100)
    CPU_AFTER = Manner("CPU after", "%", 100)
    MEMORY_BEFORE = Manner("Memory before", "%", 100)
    MEMORY = Manner("Memory, system", "%", 100)
    MEMORY_AFTER = Manner("Memory after", "%", 100)
    PROCESS_CPU = Manner("CPU, process", "% of a core", 100)
    PROCESS_CPU_SHARE = Manner("CPU, process", "% of all cores", 100)
    PROCESS_CPU_PER_TWEET = Manner("CPU time a tweet", "ms", 1e3)
    PROCESS_BYTES = Manner("Memory, process", "MB", 1e-6)
    PROCESS_MEMORY_SHARE = Manner("Memory, process", "%", 100)
    WATTS_BEFORE = Manner("Power before", "W")
    WATTS = Manner("Mean power", "W")
    WATTS_AFTER = Manner("Power after", "W")
    JOULES = Manner("Energy", "J")
    JOULES_PER_TWEET = Manner("Energy a tweet", "J")
    JOULES_PER_CORRECT = Manner("Energy a correct label", "J")
    PAPER_POWER = Manner("'Power'", "kW, readings summed", digits=4)
    PAPER_WATTS_PER_SAMPLE = Manner("'W/sample'", "W, readings summed")
    SI = Manner("SI", "")
    MPI = Manner("MPI", "")
    RER = Manner("RER", "")
    LOAD_SECONDS = Manner("Loading", "s")
    TOKENS = Manner("Tokens", "a tweet")
    CELSIUS = Manner("Hottest", "°C")

    @property
    def manner(self) -> Manner:
        """How it is written."""
        return self.value


Numbers = dict[Quantity, float]
Q = Quantity


def numbers_of(result: CellResult, summary: Summary) -> Numbers:
    """Everything that can be said of a run; what cannot is left out."""
    found = (
        _model(result, summary)
        | _time(summary)
        | _machine(result, summary)
        | _energy(summary)
        | _indices(result, summary)
    )
    return {quantity: value for quantity, value in found.items() if not math.isnan(value)}


def _model(result: CellResult, summary: Summary) -> Numbers:
    return {
        Q.FILE_BYTES: result.subject.file_bytes,
        Q.ACCURACY: summary.accuracy,
        Q.MACRO_F1: summary.macro_f1,
        Q.TOKENS: summary.tokens,
        Q.LOAD_SECONDS: result.load_seconds,
    }


def _time(summary: Summary) -> Numbers:
    p50, p90, p99 = summary.latency_seconds
    return {
        Q.SECONDS: summary.seconds,
        Q.SECONDS_PER_TWEET: summary.seconds / summary.tweets,
        Q.LATENCY_P50: p50,
        Q.LATENCY_P90: p90,
        Q.LATENCY_P99: p99,
        Q.TWEETS_PER_SECOND: summary.tweets_per_second,
        Q.FLOPS: summary.operations_per_second,
        Q.PAPER_FLOPS: PAPER_OPERATIONS * summary.tweets_per_second,
    }


def _machine(result: CellResult, summary: Summary) -> Numbers:
    process, device = summary.process, result.device
    return {
        Q.CPU_BEFORE: summary.before.cpu,
        Q.CPU: summary.during.cpu,
        Q.CPU_AFTER: summary.after.cpu,
        Q.MEMORY_BEFORE: summary.before.memory,
        Q.MEMORY: summary.during.memory,
        Q.MEMORY_AFTER: summary.after.memory,
        Q.PROCESS_CPU: process.cores,
        Q.PROCESS_CPU_SHARE: process.cores / device.cores,
        Q.PROCESS_CPU_PER_TWEET: process.cores * summary.seconds / summary.tweets,
        Q.PROCESS_BYTES: process.resident_bytes,
        Q.PROCESS_MEMORY_SHARE: process.resident_bytes / device.memory_bytes,
        Q.CELSIUS: summary.celsius,
    }


def _energy(summary: Summary) -> Numbers:
    if summary.joules is None or summary.during.watts is None:
        return {}
    # The mean power stands also for what little of the time no reading covers; more than little is a caveat.
    joules = summary.during.watts.value * summary.seconds
    return {
        Q.WATTS_BEFORE: _watts(summary.before),
        Q.WATTS: _watts(summary.during),
        Q.WATTS_AFTER: _watts(summary.after),
        Q.JOULES: joules,
        Q.JOULES_PER_TWEET: joules / summary.tweets,
        Q.JOULES_PER_CORRECT: joules / summary.correct if summary.correct else math.nan,
        Q.PAPER_POWER: paper_power(Joules(joules)),
        Q.PAPER_WATTS_PER_SAMPLE: 1000 * paper_power(Joules(joules)) / summary.tweets,
    }


def _watts(use: SystemUse) -> float:
    return use.watts.value if use.watts else math.nan


def _indices(result: CellResult, summary: Summary) -> Numbers:
    energy = _energy(summary)
    flops = OperationsPerSecond(summary.operations_per_second)
    found: Numbers = {}
    if flops > 0 and (bits := WEIGHT_BITS.get(result.subject.precision)):
        found[Q.SI] = sustainability_index(flops, bits, Seconds(summary.seconds))
    if energy:
        found |= _energy_indices(Joules(energy[Q.JOULES]), summary)
    return found


def _energy_indices(joules: Joules, summary: Summary) -> Numbers:
    power = paper_power(joules)
    found = {Q.MPI: model_performance_index(Share(summary.accuracy), Share(summary.macro_f1), power)}
    cpu, memory = percent(Share(summary.during.cpu)), percent(Share(summary.during.memory))
    if cpu > 0 and memory > 0:
        found[Q.RER] = resource_efficiency_ratio(paper_energy(power, Seconds(summary.seconds)), cpu, memory)
    return found
