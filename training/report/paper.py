"""The paper's own numbers, as far as they are known, and what follows from them by its own equations."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stream.errors import InputError
from stream.model.bundle import Precision
from training.report.caveats import Caveat
from training.report.indices import (
    READINGS_PER_SECOND,
    OperationsPerSecond,
    Seconds,
    Share,
    SummedKilowatts,
    model_performance_index,
    paper_energy,
    percent,
    resource_efficiency_ratio,
    sustainability_index,
)
from training.report.quantities import WEIGHT_BITS, Numbers, Quantity
from training.report.rows import Row
from training.report.spread import Spread

KNOWN_NUMBERS = Path(__file__).with_name("paper.toml")

Q = Quantity


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(_Section):
    """A number, and how it is known."""

    value: Annotated[float, Field(gt=0)]
    source: Literal["abstract", "table", "derived"]
    how: str = ""

    @model_validator(mode="after")
    def _derivations_are_told(self) -> Self:
        if self.source == "derived" and not self.how:
            raise ValueError("a derived number needs a `how`")
        return self


class PaperRow(_Section):
    """What is known of one of the paper's nine pairs of device and precision."""

    device: str
    model: str
    precision: Precision
    seconds: Number | None = None
    seconds_per_tweet: Number | None = None
    paper_power: Number | None = None
    paper_watts_per_sample: Number | None = None
    flops: Number | None = None
    cpu: Number | None = None
    memory: Number | None = None
    process_cpu: Number | None = None
    accuracy: Number | None = None
    macro_f1: Number | None = None
    file_bytes: Number | None = None
    note: str = ""

    def known(self) -> Numbers:
        """The numbers that stand in the row."""
        return {quantity: number.value for quantity, number in self._numbers().items()}

    def caveats(self) -> tuple[Caveat, ...]:
        """What is to be said of numbers that the paper is not known to print."""
        derived = {quantity: number.how for quantity, number in self._numbers().items() if number.source == "derived"}
        return tuple(
            Caveat(f"Derived: {how}", frozenset({quantity} | _MADE_OF_IT.get(quantity, set())))
            for quantity, how in derived.items()
        )

    def _numbers(self) -> dict[Quantity, Number]:
        found = {Quantity[name.upper()]: getattr(self, name) for name in _NUMBERS}
        return {_AS_PAPER_COUNTS.get(quantity, quantity): number for quantity, number in found.items() if number}


_NUMBERS = [name for name in PaperRow.model_fields if name not in {"device", "model", "precision", "note"}]
_AS_PAPER_COUNTS = {Q.FLOPS: Q.PAPER_FLOPS}
"""Its FLOPS are not counted in the graph."""
_MADE_OF_IT = {
    Q.PAPER_FLOPS: {Q.SI},
    Q.SECONDS: {Q.SI, Q.RER, Q.WATTS},
    Q.SECONDS_PER_TWEET: {Q.TWEETS_PER_SECOND},
    Q.PAPER_POWER: {Q.MPI, Q.RER, Q.WATTS, Q.JOULES},
    Q.PAPER_WATTS_PER_SAMPLE: {Q.JOULES_PER_TWEET},
}


class Paper(_Section):
    """The file of the paper's numbers."""

    test_tweets: Number
    operations_per_tweet: Number
    best_accuracy: Number
    best_macro_f1: Number
    compression_ratio: Number
    accuracy_drop: Number
    bert_large_bytes: Number
    rows: list[PaperRow]


def load_paper(path: Path = KNOWN_NUMBERS) -> Paper:
    """Read the paper's numbers.

    Raises:
        InputError: They cannot be read, or a key is unknown, missing or wrong.
    """
    try:
        return Paper.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def paper_rows(paper: Paper) -> list[Row]:
    """The paper's rows as ours, with what follows from them."""
    return [_row(row) for row in paper.rows]


def with_indices(numbers: Numbers, precision: str) -> Numbers:
    """Add what the paper's equations and units make of a row: indices, watts, joules; what is missing stays so."""
    return numbers | _physical(numbers) | _indices(numbers, precision)


def _row(row: PaperRow) -> Row:
    numbers = with_indices(row.known(), row.precision)
    noted = (Caveat(row.note, frozenset(numbers) - {Q.FILE_BYTES}),) if row.note else ()
    values = {quantity: Spread((value,)) for quantity, value in numbers.items()}
    return Row(row.device, row.model, row.precision, values, (*noted, *row.caveats()), from_paper=True)


def _physical(numbers: Numbers) -> Numbers:
    found: Numbers = {}
    if Q.SECONDS_PER_TWEET in numbers:
        found[Q.TWEETS_PER_SECOND] = 1 / numbers[Q.SECONDS_PER_TWEET]
    if Q.PAPER_WATTS_PER_SAMPLE in numbers:
        found[Q.JOULES_PER_TWEET] = numbers[Q.PAPER_WATTS_PER_SAMPLE] / READINGS_PER_SECOND
    if Q.PAPER_POWER in numbers:
        found[Q.JOULES] = 1000 * numbers[Q.PAPER_POWER] / READINGS_PER_SECOND
    if Q.JOULES in found and Q.SECONDS in numbers:
        found[Q.WATTS] = found[Q.JOULES] / numbers[Q.SECONDS]
    return found


def _indices(numbers: Numbers, precision: str) -> Numbers:
    found: Numbers = {}
    if {Q.PAPER_FLOPS, Q.SECONDS} <= numbers.keys():
        flops, time = OperationsPerSecond(numbers[Q.PAPER_FLOPS]), Seconds(numbers[Q.SECONDS])
        found[Q.SI] = sustainability_index(flops, WEIGHT_BITS[precision], time)
    if {Q.ACCURACY, Q.MACRO_F1, Q.PAPER_POWER} <= numbers.keys():
        scores = Share(numbers[Q.ACCURACY]), Share(numbers[Q.MACRO_F1])
        found[Q.MPI] = model_performance_index(*scores, SummedKilowatts(numbers[Q.PAPER_POWER]))
    if {Q.PAPER_POWER, Q.SECONDS, Q.CPU, Q.MEMORY} <= numbers.keys():
        energy = paper_energy(SummedKilowatts(numbers[Q.PAPER_POWER]), Seconds(numbers[Q.SECONDS]))
        cpu, memory = percent(Share(numbers[Q.CPU])), percent(Share(numbers[Q.MEMORY]))
        found[Q.RER] = resource_efficiency_ratio(energy, cpu, memory)
    return found
