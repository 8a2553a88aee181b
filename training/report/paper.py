"""The paper's numbers as printed, and what follows from them by its equations."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from stream.errors import InputError
from stream.model.bundle import Precision
from training.report.caveats import Caveat
from training.report.indices import (
    OperationsPerSecond,
    Seconds,
    Share,
    SummedKilowatts,
    model_performance_index,
    paper_energy,
    percent,
    resource_efficiency_ratio,
    speed_index,
)
from training.report.quantities import WEIGHT_BITS, Numbers, Quantity
from training.report.rows import Row
from training.report.spread import Spread

PAPER_FILE = Path(__file__).with_name("paper.toml")
PAPER = " (paper)"
"""Suffix of the names of the paper's devices and models."""

Q = Quantity


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(_Section):
    """A number, where it is printed or how it was derived, and a remark on it alone."""

    value: Annotated[float, Field(gt=0)]
    plus_minus: float | None = Field(None, gt=0)
    where: str = ""
    how: str = ""
    note: str = ""

    def caveats(self) -> Iterator[str]:
        """Yield what must be said beside the number."""
        if self.how:
            yield f"Derived, not printed: {self.how}"
        if self.note:
            yield self.note


def _number(value: Any) -> Any:  # noqa: ANN401  (TOML)
    return {"value": value} if isinstance(value, int | float) else value


Printed = Annotated[Number, BeforeValidator(_number)]


class _Sourced(_Section):
    where: str = ""
    """Source of all numbers of this section that name none."""

    @model_validator(mode="after")
    def _every_number_has_a_source(self) -> Self:
        for name, number in self.numbers():
            if not (number.how or number.where or self.where):
                raise ValueError(f"'{name}' needs `where` it is printed, or `how` it was derived")
        return self

    def numbers(self) -> Iterator[tuple[str, Number]]:
        """Yield the names and numbers of the section."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields)
        return ((name, number) for name, number in found if isinstance(number, Number))

    def source(self, number: Number) -> str:
        """Return the part of the paper that prints a number."""
        return number.where or self.where


class Hardware(_Sourced):
    """A row of Table II."""

    device: str
    processor: str
    gigahertz: Printed
    memory_gigabytes: Printed
    storage: str


class Scores(_Sourced):
    """A row of Table III."""

    model: str
    precision: Precision
    accuracy: Printed
    macro_f1: Printed
    max_accuracy: Printed
    max_macro_f1: Printed


class PaperRow(_Sourced):
    """A row of Table IV."""

    device: str
    model: str
    precision: Precision
    seconds: Printed
    seconds_per_tweet: Printed
    paper_power: Printed
    paper_watts_per_sample: Printed
    flops: Printed
    cpu: Printed
    memory: Printed
    accuracy: Printed
    macro_f1: Printed
    file_bytes: Printed

    def quantities(self) -> dict[Quantity, Number]:
        """Return the printed numbers by quantity."""
        return {_QUANTITIES.get(name) or Quantity[name.upper()]: number for name, number in self.numbers()}

    @property
    def power_per_second(self) -> float:
        """'Power' in watts divided by the total time: the sum of the readings of one second."""
        return 1000 * self.paper_power.value / self.seconds.value


_QUANTITIES = {"flops": Q.PAPER_FLOPS}
"""The paper's FLOPS are not counted in the graph."""


class Derived(_Sourced):
    """Numbers that follow from the tables."""

    test_tweets: Printed
    operations_per_tweet: Printed


class Text(_Sourced):
    """Numbers of the abstract and the text."""

    bert_large_parameters: Printed
    bert_large_bytes: Printed
    mobilebert_bytes: Printed
    compression_ratio: Printed
    accuracy_drop: Printed
    tweets_per_second: Printed
    slowdown_3b_float32: Printed
    slowdown_3b_plus_float32: Printed
    slowdown_4b_int8: Printed
    process_cpu: Printed
    bert_large_cpu: Printed
    seeds: Printed


class Board(_Section):
    """Power of a board as others measured it."""

    device: str
    idle_watts: float
    busy_watts: float


class Paper(_Section):
    """The file of the paper's numbers."""

    schema_version: Literal[2] = Field(alias="schema")
    derived: Derived
    text: Text
    hardware: list[Hardware]
    scores: list[Scores]
    rows: list[PaperRow]
    boards: list[Board] = []

    def row(self, device: str, precision: str) -> PaperRow:
        """Return a row of Table IV.

        Raises:
            LookupError: There is none.
        """
        for row in self.rows:
            if (row.device, row.precision) == (device, precision):
                return row
        raise LookupError(f"no row of {device} at {precision}")

    def of_precision(self, precision: str) -> list[PaperRow]:
        """Return the rows of Table IV at a precision."""
        return [row for row in self.rows if row.precision == precision]

    def score(self, precision: str) -> Scores | None:
        """Return the row of Table III at a precision; None: there is none."""
        return next((row for row in self.scores if row.precision == precision), None)


def load_paper(path: Path = PAPER_FILE) -> Paper:
    """Read the paper's numbers.

    Raises:
        InputError: They cannot be read, or a key is unknown, missing or wrong.
    """
    try:
        return Paper.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_explained(error)}") from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def _explained(error: ValidationError) -> str:
    errors = error.errors(include_url=False)
    if any(each["loc"] == ("schema",) for each in errors):
        return "not of schema 2: take training/report/paper.toml as the model of such a file"
    first = errors[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def paper_rows(paper: Paper) -> list[Row]:
    """Return the rows of Table IV with their indices, as rows of a report."""
    return [_row(row, paper.score(row.precision)) for row in paper.rows]


def with_indices(numbers: Numbers, precision: str) -> Numbers:
    """Add the throughput and the indices that follow from a row of Table IV."""
    return numbers | _throughput(numbers) | _indices(numbers, precision)


def _row(row: PaperRow, scores: Scores | None) -> Row:
    printed = row.quantities()
    values = {
        quantity: Spread((value,))
        for quantity, value in with_indices(
            {quantity: number.value for quantity, number in printed.items()}, row.precision
        ).items()
    }
    maxima: Numbers = {}
    if scores:
        values[Q.ACCURACY] = Spread((row.accuracy.value,), stated_deviation=scores.accuracy.plus_minus)
        values[Q.MACRO_F1] = Spread((row.macro_f1.value,), stated_deviation=scores.macro_f1.plus_minus)
        maxima = {Q.ACCURACY: scores.max_accuracy.value, Q.MACRO_F1: scores.max_macro_f1.value}
    return Row(
        device=row.device + PAPER,
        model=row.model,
        precision=row.precision,
        values=values,
        caveats=tuple(_caveats(printed)),
        from_paper=True,
        maxima=maxima,
    )


def _caveats(printed: dict[Quantity, Number]) -> Iterator[Caveat]:
    """Yield the remarks on single numbers; each also holds for what is computed from that number."""
    for quantity, number in printed.items():
        for says in number.caveats():
            yield Caveat(says, frozenset({quantity, *_COMPUTED_FROM.get(quantity, ())}))


_COMPUTED_FROM = {
    Q.PAPER_FLOPS: (Q.SI,),
    Q.SECONDS: (Q.SI, Q.RER),
    Q.SECONDS_PER_TWEET: (Q.TWEETS_PER_SECOND,),
    Q.PAPER_POWER: (Q.MPI, Q.RER, Q.RER_OF_POWER),
}


def _throughput(numbers: Numbers) -> Numbers:
    if Q.SECONDS_PER_TWEET not in numbers:
        return {}
    return {Q.TWEETS_PER_SECOND: 1 / numbers[Q.SECONDS_PER_TWEET]}


def _indices(numbers: Numbers, precision: str) -> Numbers:
    found: Numbers = {}
    if {Q.PAPER_FLOPS, Q.SECONDS} <= numbers.keys():
        flops, time = OperationsPerSecond(numbers[Q.PAPER_FLOPS]), Seconds(numbers[Q.SECONDS])
        found[Q.SI] = speed_index(flops, WEIGHT_BITS[precision], time)
    if {Q.ACCURACY, Q.MACRO_F1, Q.PAPER_POWER} <= numbers.keys():
        scores = Share(numbers[Q.ACCURACY]), Share(numbers[Q.MACRO_F1])
        found[Q.MPI] = model_performance_index(*scores, SummedKilowatts(numbers[Q.PAPER_POWER]))
    if {Q.PAPER_POWER, Q.SECONDS, Q.CPU, Q.MEMORY} <= numbers.keys():
        energy = paper_energy(SummedKilowatts(numbers[Q.PAPER_POWER]), Seconds(numbers[Q.SECONDS]))
        cpu, memory = percent(Share(numbers[Q.CPU])), percent(Share(numbers[Q.MEMORY]))
        found[Q.RER] = resource_efficiency_ratio(energy, cpu, memory)
        found[Q.RER_OF_POWER] = found[Q.RER] / numbers[Q.SECONDS]
    return found
