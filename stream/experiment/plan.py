"""The plan of an experiment, as TOML: models, data, number of runs, and how the machine is sampled.

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
import random
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
"""A name that becomes part of a file's name."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedModel(_Section):
    """A model, or a family of models: one per precision and seed in its path."""

    name: Name
    path: str = Field(min_length=1)
    """Path from the plan's folder; `{precision}` and `{seed}` are filled in."""
    kind: Name = BUNDLE_KIND
    """`bundle`, which the service's classifier runs, or a kind that an installed extra adds, e.g. `tensorflow`."""
    precisions: list[Precision] = []
    """Empty: one, which the model itself states."""
    max_tokens: int = Field(128, ge=3, le=512)
    """Length to which `tensorflow` pads each tweet (128 is assumed for the paper, which prints none)."""

    @model_validator(mode="after")
    def _precisions_are_named(self) -> Self:
        if len(self.precisions) > 1 and "{precision}" not in self.path:
            raise ValueError(f"'{self.name}' has several precisions, so its path must say where: add {{precision}}")
        return self


class Plan(_Section):
    """All runs of an experiment on one device."""

    models: list[PlannedModel] = Field(min_length=1)
    data: dict[Name, Path] = Field(min_length=1)
    """Labelled tweets, as JSON lines with a `polarity`."""
    seeds: list[int] = Field([0], min_length=1)
    """Fills in `{seed}` of a path, and sets the order of the tweets."""
    threads: list[Annotated[int, Field(ge=1, le=64)]] = Field([1], min_length=1)
    tweets: int | None = Field(None, ge=1)
    """Number of tweets, chosen at random and the same for all runs; left out: all."""
    shuffle: bool = True
    """Shuffle the runs of each seed, so that no precision always runs on the warmest board."""
    shuffle_seed: int = 0
    """Seed of the order of runs and of the choice of tweets."""
    before_seconds: float = Field(10, gt=0)
    after_seconds: float = Field(10, gt=0)
    cool_down_seconds: float = Field(120, ge=0)
    """Longest wait before a run for the processor to cool down; no wait on a machine without a temperature sensor."""
    pilot_tweets: int = Field(10, ge=0)
    """Tweets that are labelled before the first run to estimate the duration; 0: no estimate."""
    samples_per_second: float = Field(10, ge=1, le=100)
    start_at: datetime | None = None
    """Time of the first run, so that several devices start together."""
    power: PowerSettings = PowerSettings()
    """Source of power readings; the keys are those of `[power]` in starling.toml."""

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
        """Yield every run, seed by seed, so that a change of the machine over hours affects all models alike."""
        for seed in self.seeds:
            cells = list(self._cells_of(seed))
            if self.shuffle:
                random.Random(f"order {self.shuffle_seed} {seed}").shuffle(cells)  # noqa: S311  (no secret)
            yield from cells

    def _cells_of(self, seed: int) -> Iterator["Cell"]:
        for data, threads, model in itertools.product(self.data, self.threads, self.models):
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
        """Name of its results."""
        parts = [self.model.name, self.precision, self.data, f"{self.threads}threads", f"seed{self.seed}"]
        return "-".join(part for part in parts if part)

    @property
    def path(self) -> str:
        """Path of its model, from the plan's folder."""
        return self.model.path.replace("{precision}", self.precision or "").replace("{seed}", str(self.seed))


class PlanFile(_Section):
    """A plan and its file."""

    path: Path
    sha256: str
    plan: Plan

    def model_path(self, cell: Cell) -> Path:
        """Return the path of a run's model."""
        return self.path.parent / cell.path

    def data_path(self, cell: Cell) -> Path:
        """Return the path of a run's tweets."""
        return self.path.parent / self.plan.data[cell.data]


def load_plan(path: Path) -> PlanFile:
    """Read a plan and check that its models and data exist.

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
                raise InputError(f"{file.path} names {path}, which does not exist")
