"""The model bundle: a folder with the model, its tokenizer, and `model.json`, the manifest that describes them.

    model.tflite     one signature `classify`: `input_ids` int32 [batch, tokens] → `logits` float32 [batch, labels]
    tokenizer.json   in the format of Hugging Face's tokenizers
    model.json       the manifest below: labels, cleaning, lengths, hashes, and the model's origin

A model that reads the name of an entity beside the tweet (`"inputs": {"entity": true}` in the manifest) has two inputs
of the same shape, `token_ids` and `token_types`.

The attention mask is computed inside the graph, from the padding id. Inputs are bound by name, so that there is no
order in which a caller could bind them wrongly.
"""

import hashlib
import json
import math
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from stream.errors import BundleError
from stream.model.private_copy import PrivateCopy
from stream.tweets.labels import ModelIdentity
from stream.tweets.polarity import POLARITIES, Polarity

MANIFEST_FILE = "model.json"
MODEL_FILE = "model.tflite"
TOKENIZER_FILE = "tokenizer.json"
SHIPPED = Path(__file__).parents[1] / "models"
"""The folder of the bundles that are part of Starling: `default`, and `fast`, a smaller one."""
SHIPPED_BUNDLE = SHIPPED / "default"
"""The default bundle. Other bundles may omit a file that is identical to the default bundle's; the wheel does so."""

SIGNATURE = "classify"
INPUT = "input_ids"
PAIR_INPUTS = ("token_ids", "token_types")
"""The inputs of a model that reads an entity beside the tweet: ids, and 0 for the tweet and 1 for the entity."""
OUTPUT = "logits"
PADDING_ID = 0
"""The id that fills a row up to its batch's length; BERT's [PAD], masked inside the graph."""

MOST_ENTITY_TOKENS = 16
"""An entity's name is cut to this many tokens."""
_LEAST_PAIR_TOKENS = MOST_ENTITY_TOKENS + 4
"""[CLS], one token of the tweet, [SEP], the entity, [SEP]."""

MOST_BYTES = {MANIFEST_FILE: 1 << 20, MODEL_FILE: (1 << 31) - 1}
"""Largest size of a file by its name. TensorFlow Lite's format ends at 2 GiB."""
_MOST_OTHER_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20

Precision = Literal["float32", "float16", "int8"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Free = dict[str, Any]
"""Information for readers that is not interpreted: training, scores, agreement of the conversion."""


_Share = Annotated[float, Field(gt=0, le=1, strict=True)]
_PRIOR = TypeAdapter(tuple[_Share, _Share, _Share])
_LanguageCode = Annotated[str, Field(pattern="^[a-z]{2,3}$")]


class IncompleteBundleError(BundleError):
    """A bundle's files do not fit together; this may pass, where a copy of the bundle is in progress."""


class Cleaning(BaseModel):
    """The cleaning (stream/tweets/cleaning.py) that the model was trained with."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int


class Inputs(BaseModel):
    """The inputs of the model."""

    model_config = ConfigDict(extra="forbid")

    entity: bool = False
    """True if the model reads the name of an entity beside the tweet: `[CLS] tweet [SEP] entity [SEP]`."""


class Manifest(BaseModel):
    """The contents of `model.json`."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1, max_length=128)
    base: str
    """The pretrained encoder that was fine-tuned."""
    precision: Precision
    labels: list[Polarity]
    """The polarity of each column of the logits."""
    inputs: Inputs = Inputs()
    languages: list[_LanguageCode] = Field(default=[], max_length=200)
    """The languages that the model was trained to label, as codes of ISO 639-1, or 639-3 where it has none; `en`."""
    cleaning: Cleaning
    max_tokens: int = Field(ge=3, le=512)
    """Texts are cut to this many tokens, [CLS] and [SEP] included."""
    length_buckets: list[Annotated[int, Field(ge=1)]]
    """The lengths, in tokens, that a batch is padded to; ascending, the last is `max_tokens`."""
    temperature: float = Field(default=1.0, ge=0.05, le=20, allow_inf_nan=False)
    """The divisor of the logits before the softmax, which calibrates the confidence (Guo et al., 2017)."""
    files: dict[str, Sha256] = Field(max_length=64)
    licence: str
    source: Free
    training: Free = {}
    scores: Free = {}
    agreement: Free = {}
    calibration: Free = {}
    """The calibration: its method, the data that it was fitted on, and its effect."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sorted(self.labels) != sorted(POLARITIES):
            raise ValueError(f"labels must be {', '.join(POLARITIES)} in some order, not {self.labels}")
        if self.length_buckets != sorted(set(self.length_buckets)) or self.length_buckets[-1:] != [self.max_tokens]:
            raise ValueError("length_buckets must ascend and end with max_tokens")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages must name each language once")
        if self.inputs.entity and self.max_tokens < _LEAST_PAIR_TOKENS:
            raise ValueError(f"max_tokens must be at least {_LEAST_PAIR_TOKENS} where inputs.entity is true")
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if name not in self.files:
                raise ValueError(f"files has no hash of {name}")
        try:
            _ = self.class_prior
        except ValidationError as error:
            raise ValueError("calibration.prior must be three shares above 0 and at most 1") from error
        return self

    @property
    def identity(self) -> ModelIdentity:
        """Name, precision and hash, as labels and metrics state them."""
        return ModelIdentity(self.name, self.precision, self.files[MODEL_FILE])

    @property
    def class_prior(self) -> tuple[float, ...]:
        """The shares of the classes for which the probabilities hold, in the order of POLARITIES.

        They are equal, as in the training, unless biases were calibrated for others.
        """
        if self.calibration.get("method") in {"biases", "scales"}:
            return _PRIOR.validate_python(self.calibration.get("prior"))
        return (1 / len(POLARITIES),) * len(POLARITIES)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the signature's inputs: token ids, and token types where the model reads an entity."""
        return PAIR_INPUTS if self.inputs.entity else (INPUT,)


@dataclass(frozen=True)
class Bundle:
    """A manifest, and private copies of the files that have the hashes it states."""

    path: Path
    manifest: Manifest
    model: PrivateCopy = field(compare=False, repr=False)
    tokenizer: PrivateCopy = field(compare=False, repr=False)

    @property
    def sha256(self) -> str:
        """The hash of the model file, by which labels and metrics name the model."""
        return self.manifest.files[MODEL_FILE]

    @property
    def identity(self) -> ModelIdentity:
        """Name, precision and hash, as labels and metrics state them."""
        return self.manifest.identity


def find_bundle(wanted: Path | None) -> Path:
    """Find a bundle's folder.

    Args:
        wanted: Its path, or the name of a bundle that is part of Starling, unless the current folder has an entry of
            that name; None: the default bundle.
    """
    if wanted is None:
        return SHIPPED_BUNDLE
    is_name = len(wanted.parts) == 1 and not os.path.lexists(wanted)
    return SHIPPED / wanted if is_name and (SHIPPED / wanted).is_dir() else wanted


def load_bundle(wanted: Path | None) -> Bundle:
    """Read a bundle's manifest, copy its files and check them against it.

    Args:
        wanted: As `find_bundle` takes it.

    Raises:
        BundleError: The folder or a file is missing, the manifest is wrong, or a file is not the one it names.
    """
    path = find_bundle(wanted)
    with _incomplete(path), _Folder.opened(path) as folder:
        manifest = parse_manifest(path, folder.read(MANIFEST_FILE))
        for name in manifest.files:
            if Path(name).name != name or "\0" in name:
                raise BundleError(f"{path / MANIFEST_FILE} names a file outside the bundle: {name}")
        copies = {name: _checked_copy(folder, name, expected) for name, expected in manifest.files.items()}
    return Bundle(path, manifest, copies[MODEL_FILE], copies[TOKENIZER_FILE])


def read_manifest(wanted: Path | None) -> Manifest:
    """Read a bundle's manifest alone, without its other files.

    Args:
        wanted: As `find_bundle` takes it.

    Raises:
        BundleError: The folder or the manifest is missing, or the manifest is wrong.
    """
    path = find_bundle(wanted)
    with _incomplete(path), _Folder.opened(path) as folder:
        return parse_manifest(path, folder.read(MANIFEST_FILE))


@contextmanager
def _incomplete(path: Path) -> Iterator[None]:
    """Turn the errors of a missing or unreadable folder into one of Starling's own."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise IncompleteBundleError(f"no model bundle at {path}: cannot read {MANIFEST_FILE} ({reason})") from error


def seconds_since_change(path: Path) -> float:
    """Return the time since a bundle's folder or one of its files last changed; infinity where it is unknown.

    Where there is no folder, its parent counts. The time of change is used, which a copy cannot set to another value.
    """
    try:
        folder = path if path.is_dir() else path.parent
        changed = max(entry.stat().st_ctime for entry in (folder, *folder.iterdir()) if entry.exists())
    except (OSError, ValueError):
        return math.inf
    return abs(time.time() - changed)


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Folder:
    """An open folder: all files are read from the same one, even if a link to it changes meanwhile.

    Args:
        path: Its path, for messages.
        descriptor: The folder's descriptor.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Self]:
        """Open a folder.

        Raises:
            OSError: It cannot be opened.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            OSError: It cannot be read.
            BundleError: It is no regular file, or too large.
        """
        with self._open(name) as file:
            return b"".join(self._chunks(file, name))

    def copy(self, name: str) -> tuple[PrivateCopy, str]:
        """Copy a file, and compute its SHA-256 from the same bytes.

        Raises:
            OSError: It cannot be read, or there is no room for the copy.
            BundleError: It is no regular file, or too large.
        """
        digest = hashlib.sha256()

        def hashed(file: BinaryIO) -> Iterator[bytes]:
            for chunk in self._chunks(file, name):
                digest.update(chunk)
                yield chunk

        with self._open(name) as file:
            copy = PrivateCopy(hashed(file), os.fstat(file.fileno()).st_size)
        return copy, digest.hexdigest()

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        """Open a regular file or a link to one; not a pipe or a device, which could have no end."""
        self._check(name, os.stat(name, dir_fd=self._descriptor))  # before it is opened, which acts on some devices
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            self._check(name, os.fstat(descriptor))
            yield file

    def _check(self, name: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{self.path / name} is not a regular file; a model bundle consists of such files")
        if status.st_size > _limit_bytes(name):
            raise self._too_large(name)

    def _chunks(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """Read a file to its end, at most to the limit, for it may grow meanwhile."""
        rest = _limit_bytes(name)
        while chunk := file.read(_CHUNK_BYTES):
            rest -= len(chunk)
            if rest < 0:
                raise self._too_large(name)
            yield chunk

    def _too_large(self, name: str) -> BundleError:
        return BundleError(
            f"{self.path / name} is larger than {_limit_bytes(name):,} bytes, the most in a model bundle"
        )


def _limit_bytes(name: str) -> int:
    return MOST_BYTES.get(name, _MOST_OTHER_BYTES)


def parse_manifest(path: Path, content: bytes) -> Manifest:
    """Parse the contents of a bundle's manifest.

    Args:
        path: The bundle's folder, for errors.
        content: The contents of the file.

    Raises:
        IncompleteBundleError: It is not a manifest.
    """
    try:
        _check_json(content)
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        reason = f"{where}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        reason = f"it: {error}"
    raise IncompleteBundleError(f"{path / MANIFEST_FILE} is not a bundle's manifest: {reason}")


def _check_json(content: bytes) -> None:
    """Refuse JSON that the manifest's own parser accepts: duplicate keys, and numbers that are not finite.

    Raises:
        ValueError: The content has such, or is no JSON.
        RecursionError: It is nested too deeply.
    """
    json.loads(content, object_pairs_hook=_unique_keys, parse_constant=_not_finite, parse_float=_finite)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        duplicate = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {duplicate!r} is there twice")
    return found


def _not_finite(number: str) -> NoReturn:
    raise ValueError(f"the number {number:.40} is not finite")


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _not_finite(number)


def _checked_copy(folder: _Folder, name: str, expected: str) -> PrivateCopy:
    """Copy a file of a bundle, or the default bundle's where it has none and that one has the expected hash."""
    try:
        copy, found = folder.copy(name)
    except OSError as error:
        default = _default_copy(name, expected) if isinstance(error, FileNotFoundError) else None
        if default is None:
            raise IncompleteBundleError(f"the model bundle at {folder.path} lacks {name} ({error.strerror})") from error
        return default
    if found != expected:
        raise IncompleteBundleError(
            f"{folder.path / name} is not the file that {MANIFEST_FILE} names: its sha256 begins {found[:12]}, not "
            f"{expected[:12]}: the bundle is damaged or was changed; copy it again"
        )
    return copy


def _default_copy(name: str, expected: str) -> PrivateCopy | None:
    try:
        with _Folder.opened(SHIPPED_BUNDLE) as folder:
            copy, found = folder.copy(name)
    except (OSError, BundleError):
        return None
    return copy if found == expected else None
