"""What a run of an experiment leaves: one JSON file for each cell, its schema versioned, without any tweet's text.

Columns hold one number for each tweet, sample or reading, so that a report can compute anew whatever it wants. Times
are seconds of the device's monotonic clock, unless they are named `_at`.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stream.errors import InputError
from stream.tweets.polarity import Polarity

SCHEMA = 1
CELLS_FOLDER = "cells"
_SUFFIX = ".json"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Device(_Section):
    """The machine, as it told of itself at the start of a run."""

    node: str
    model: str
    cores: int
    memory_bytes: int
    architecture: str
    operating_system: str
    kernel: str
    governors: list[str]
    """Of the cores' frequency; empty where the kernel does not tell."""
    versions: dict[str, str]
    """Of Python, Starling and what inference stands on."""


class Subject(_Section):
    """The model that ran."""

    kind: str
    name: str
    base: str
    precision: str
    sha256: str
    runtime: str
    file_bytes: int
    """The artifact that a device needs: the .tflite file, or the checkpoint."""
    weights_bytes: int | None = None
    """The trainable weights at the precision they are stored in, where that is known."""
    checkpoint_bytes: int | None = None
    """All that the checkpoint's folder holds, an optimiser's state included, where there is one."""
    padding: str
    """To what length a tweet is padded."""


class Data(_Section):
    """The tweets that were labelled."""

    name: str
    sha256: str
    planned: int
    refused: int
    """Tweets of which cleaning left nothing."""


class Tweets(_Section):
    """One entry for each tweet, in the order in which they ran."""

    gold: list[Polarity]
    given: list[Polarity]
    seconds: list[float]
    """From the text to the label: cleaning, tokens, inference."""
    inference_seconds: list[float]
    tokens: list[int]
    padded_tokens: list[int]
    """The length that the model ran at."""


class Span(_Section):
    """A stretch of time."""

    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_seconds - self.start_seconds


class Phases(_Section):
    """What the machine was doing when."""

    before: Span
    during: Span
    """The tweets; the model was loaded and warm."""
    after: Span


class Samples(_Section):
    """The monitor's samples, as columns: see monitor.COLUMNS."""

    per_second: float
    """How many were planned."""
    thinned_by: int = 1
    """So many of those during the tweets became one."""
    ticks_per_second: int
    columns: dict[str, list[float | None]]


class Power(_Section):
    """The readings of whatever measured energy, as columns; errors are standard errors in watts, null if unknown."""

    source: str
    end_seconds: list[float] = []
    seconds: list[float] = []
    gap_seconds: list[float] = []
    """The time before each reading of which nothing is known."""
    watts: list[float] = []
    noise_watts: list[float | None] = []
    offset_watts: list[float | None] = []
    scale_watts: list[float | None] = []


class CellResult(_Section):
    """Everything of one run."""

    schema_version: Literal[1] = Field(alias="schema")
    cell: str
    model: str
    seed: int
    threads: int
    plan_sha256: str
    planned_at: datetime | None
    """The plan's `start_at`."""
    started_at: datetime
    device: Device
    subject: Subject
    data: Data
    load_seconds: float
    phases: Phases
    tweets: Tweets
    macs_by_tokens: dict[int, int]
    """Multiply-accumulates of one tweet, by padded length."""
    samples: Samples
    power: Power | None
    """None where the device has nothing to measure with."""
    throttled_bits: tuple[int | None, int | None]
    """The firmware's word before and after; None on what is no Raspberry Pi."""


def cell_path(folder: Path, cell: str) -> Path:
    """Where a run's results lie below an experiment's folder."""
    return folder / CELLS_FOLDER / f"{cell}{_SUFFIX}"


def write_cell(folder: Path, result: CellResult) -> None:
    """Write a run's results: complete, or not at all.

    Raises:
        InputError: They cannot be written.
    """
    path = cell_path(folder, result.cell)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(result.model_dump_json(by_alias=True))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def read_cell(path: Path) -> CellResult:
    """Read a run's results.

    Raises:
        InputError: They cannot be read, or are of another schema than this version writes.
    """
    try:
        return CellResult.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_explained(error)}") from error


def _explained(error: ValidationError) -> str:
    errors: list[Any] = error.errors(include_url=False)
    first = next((one for one in errors if one["loc"] == ("schema",)), errors[0])
    if first["loc"] == ("schema",):
        return f"results of schema {first['input']!r}, and this version reads schema {SCHEMA}"
    return f"no results of a run: {'.'.join(map(str, first['loc']))}: {first['msg']}"
