"""The file that a run of an experiment writes: one JSON file per run, with a versioned schema and without any text.

Columns hold one number per tweet, sample or reading, so that a report can compute its numbers from them. Times are
seconds of the device's monotonic clock, unless their name ends in `_at`.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stream.errors import InputError
from stream.files import replace_text
from stream.tweets.polarity import Polarity

SCHEMA = 2
"""Schema 2 added, as optional, the device's serial number, clocks, entities and the data file's number of tweets."""
READABLE_SCHEMAS = (1, 2)
CELLS_FOLDER = "cells"
_SUFFIX = ".json"


class Section(BaseModel):
    """A part of the results. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Device(Section):
    """The machine, as it described itself at the start of a run."""

    node: str
    model: str
    """The board's name or, without one, the processor's."""
    cores: int
    memory_bytes: int
    architecture: str
    operating_system: str
    kernel: str
    governors: list[str]
    """Frequency governors of the cores; empty if the kernel has none."""
    versions: dict[str, str]
    """Versions of Python, Starling and the inference packages."""
    serial: str | None = None
    """The board's serial number or, without one, a hash of the machine id; None: neither can be read."""
    processor: str | None = None
    max_hertz: float | None = None
    """Highest frequency that the cores may have."""
    storage_bytes: int | None = None
    """Size of the root file system."""


class Subject(Section):
    """The model that ran."""

    kind: str
    name: str
    base: str
    precision: str
    sha256: str
    runtime: str
    file_bytes: int
    """Size of the artifact that a device needs: the .tflite file, or the checkpoint."""
    weights_bytes: int | None = None
    """Size of the trainable weights as stored; None: not known."""
    checkpoint_bytes: int | None = None
    """Size of the checkpoint's folder, including an optimiser's state; None: there is none."""
    padding: str
    """Length to which a tweet is padded, in words."""


class Data(Section):
    """The labelled tweets."""

    name: str
    sha256: str
    planned: int
    refused: int
    """Tweets that are empty after cleaning."""
    in_file: int | None = None
    """Tweets in the data file; None: not recorded (schema 1)."""


class Tweets(Section):
    """One entry per labelled tweet, in the order of the run."""

    gold: list[Polarity]
    given: list[Polarity]
    seconds: list[float]
    """Time from the text to the label: cleaning, tokenising, inference."""
    inference_seconds: list[float]
    tokens: list[int]
    padded_tokens: list[int]
    """Length of the model's input."""
    entities: list[str | None] | None = None
    """Entity of each tweet; None: the data names none (or schema 1)."""


class Span(Section):
    """An interval of time."""

    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """Length of the interval."""
        return self.end_seconds - self.start_seconds


class Phases(Section):
    """The three phases of a run."""

    before: Span
    during: Span
    """Labelling; the model is loaded and warm."""
    after: Span


class ClockPair(Section):
    """One moment on two clocks: seconds since 1970 and seconds of the monotonic clock."""

    unix_seconds: float
    monotonic_seconds: float


class Samples(Section):
    """The monitor's samples, as columns: see monitor.COLUMNS."""

    per_second: float
    """Planned sampling rate."""
    thinned_by: int = 1
    """Number of samples during labelling that were merged into one."""
    ticks_per_second: int
    columns: dict[str, list[float | None]]


class Power(Section):
    """Power readings, as columns. Errors are standard errors in watts; null: not stated by the source."""

    source: str
    end_seconds: list[float] = []
    seconds: list[float] = []
    gap_seconds: list[float] = []
    """Time before each reading in which nothing was measured."""
    watts: list[float] = []
    noise_watts: list[float | None] = []
    offset_watts: list[float | None] = []
    scale_watts: list[float | None] = []
    clock_offset_seconds: float = 0.0
    """Clock of the recording computer minus clock of this device; 0 if this device recorded."""
    clock_error_seconds: float = 0.0
    """Standard error of that offset."""


class CellResult(Section):
    """Everything that was recorded in one run."""

    schema_version: Literal[1, 2] = Field(alias="schema")
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
    """None: the device has nothing to measure power with."""
    throttled_bits: tuple[int | None, int | None]
    """The firmware's throttling bits before and after the run; None: not a Raspberry Pi."""
    clocks: list[ClockPair] = []
    """Both clocks at the start and at the end of the run; empty in schema 1."""
    cool_down_seconds: float = 0.0
    """Time that was waited before the run for the processor to cool down."""


def cell_path(folder: Path, cell: str) -> Path:
    """Return the path of a run's results in an experiment's folder."""
    return folder / CELLS_FOLDER / f"{cell}{_SUFFIX}"


def write_cell(folder: Path, result: CellResult) -> None:
    """Write a run's results, atomically.

    Raises:
        InputError: They cannot be written.
    """
    path = cell_path(folder, result.cell)
    try:
        replace_text(path, result.model_dump_json(by_alias=True))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def read_cell(path: Path) -> CellResult:
    """Read a run's results.

    Raises:
        InputError: They cannot be read, or their schema is not supported.
    """
    try:
        return CellResult.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {explained(error)}") from error


def explained(error: ValidationError) -> str:
    """Return the first error in words; an unsupported schema takes precedence."""
    errors: list[Any] = error.errors(include_url=False)
    first = next((one for one in errors if one["loc"] == ("schema",)), errors[0])
    if first["loc"] == ("schema",):
        readable = " and ".join(map(str, READABLE_SCHEMAS))
        return f"results of schema {first['input']!r}, and this version reads the schemas {readable}"
    return f"no results of a run: {'.'.join(map(str, first['loc']))}: {first['msg']}"
