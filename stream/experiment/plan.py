"""The plan of an experiment, as TOML: which models over which data, how often, and how the machine is watched.

seeds = [0, 1, 2, 3, 4]
[data]
test = "test.jsonl"
[[models]]
name = "mobilebert"
path = "bundles/{precision}-{seed}"
precisions = ["float32", "float16", "int8"]
"""

import hashlib
import itertools
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stream.errors import InputError
from stream.model.bundle import Precision
from stream.settings import PowerSettings

BUNDLE_KIND = "bundle"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""What becomes part of a file's name."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedModel(_Section):
    """A model, or a family of them: one for each precision and seed that its path names."""

    name: Name
    path: str = Field(min_length=1)
    """Where it lies, from the plan's folder; `{precision}` and `{seed}` are filled in."""
    kind: Name = BUNDLE_KIND
    """`bundle`, which the service's own classifier runs, or what an installed extra adds, as `tensorflow`."""
    precisions: list[Precision] = []
    """Left out: one, which the model itself knows."""
    max_tokens: int = Field(128, ge=3, le=512)
    """To what length `tensorflow` pads each tweet, as the paper did; a bundle says its own."""

    @model_validator(mode="after")
    def _precisions_are_named(self) -> Self:
        if len(self.precisions) > 1 and "{precision}" not in self.path:
            raise ValueError(f"'{self.name}' has several precisions, so its path must say where: add {{precision}}")
        return self


class Plan(_Section):
    """All that an experiment is to do on one device."""

    models: list[PlannedModel] = Field(min_length=1)
    data: dict[Name, Path] = Field(min_length=1)
    """Labelled tweets, as JSON lines with a `polarity`."""
    seeds: list[int] = Field([0], min_length=1)
    """A seed names a fine-tuning where a path has `{seed}`, and sets the order of the tweets everywhere."""
    threads: list[Annotated[int, Field(ge=1, le=64)]] = Field([1], min_length=1)
    tweets: int | None = Field(None, ge=1)
    """How many tweets of the data to take, the first of the seed's order; left out: all."""
    before_seconds: float = Field(10, gt=0)
    after_seconds: float = Field(10, gt=0)
    samples_per_second: float = Field(10, ge=1, le=100)
    start_at: datetime | None = None
    """When to begin, so that several devices begin together."""
    power: PowerSettings = PowerSettings()
    """What measures energy; the keys are those of `[power]` in starling.toml."""

    @field_validator("start_at")
    @classmethod
    def _in_a_time_zone(cls, start_at: datetime | None) -> datetime | None:
        if start_at is not None and start_at.tzinfo is None:
            raise ValueError("a start for several devices needs its time zone, e.g. 2026-05-01T12:00:00Z")
        return start_at

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        names = [cell.name for cell in self.cells()]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"the plan asks for the same run twice: {', '.join(sorted(twice))}")
        return self

    def cells(self) -> Iterator["Cell"]:
        """Every run, seeds outermost: what changes on the machine over hours then touches all models alike."""
        for seed, data, threads, model in itertools.product(self.seeds, self.data, self.threads, self.models):
            for precision in model.precisions or (None,):
                yield Cell(model=model, precision=precision, seed=seed, threads=threads, data=data)


class Cell(_Section):
    """One run of the plan."""

    model: PlannedModel
    precision: Precision | None
    seed: int
    threads: int
    data: str

    @property
    def name(self) -> str:
        """What its results are called."""
        parts = [self.model.name, self.precision, self.data, f"{self.threads}threads", f"seed{self.seed}"]
        return "-".join(part for part in parts if part)

    @property
    def path(self) -> str:
        """Where its model lies, from the plan's folder."""
        return self.model.path.replace("{precision}", self.precision or "").replace("{seed}", str(self.seed))


class PlanFile(_Section):
    """A plan, and the file that it was read from."""

    path: Path
    sha256: str
    plan: Plan

    def model_path(self, cell: Cell) -> Path:
        """Where a run's model lies."""
        return self.path.parent / cell.path

    def data_path(self, cell: Cell) -> Path:
        """Where a run's tweets lie."""
        return self.path.parent / self.plan.data[cell.data]


def load_plan(path: Path) -> PlanFile:
    """Read a plan, and check that what it names is there.

    Raises:
        InputError: It cannot be read, a key is unknown or wrong, or a model or data set is missing.
    """
    try:
        content = path.read_bytes()
        plan = Plan.model_validate(tomllib.loads(content.decode()))
    except OSError as error:
        raise InputError(f"cannot read the plan {path}: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_explained(error)}") from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    file = PlanFile(path=path, sha256=hashlib.sha256(content).hexdigest(), plan=plan)
    _check_paths(file)
    return file


def _explained(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the plan"
    if first["type"] == "extra_forbidden":
        return f"unknown key '{where}'"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _check_paths(file: PlanFile) -> None:
    for cell in file.plan.cells():
        for path in (file.model_path(cell), file.data_path(cell)):
            if not path.exists():
                raise InputError(f"{file.path} names {path}, which is not there")
