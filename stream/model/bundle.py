"""The model bundle: a folder with the model, its tokeniser, and `model.json`, which says what they are.

    model.tflite     one signature `classify`: `input_ids` int32 [batch, tokens] → `logits` float32 [batch, labels]
    tokenizer.json   in the format of Hugging Face's tokenizers
    model.json       the manifest below: labels, cleaning, lengths, hashes, and where the model comes from

The attention mask is worked out inside the graph, from the padding id. With one input there is no order in which a
caller could bind inputs wrongly.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stream.errors import BundleError
from stream.tweets.labels import ModelIdentity
from stream.tweets.polarity import POLARITIES, Polarity

MANIFEST_FILE = "model.json"
MODEL_FILE = "model.tflite"
TOKENIZER_FILE = "tokenizer.json"
SHIPPED = Path(__file__).parents[1] / "models"
"""The bundles that come with Starling, by their names: `default`, and `fast`, of half the layers."""
SHIPPED_BUNDLE = SHIPPED / "default"
"""The default bundle. Other bundles may omit a file that is identical to the default bundle's; the wheel does so."""

SIGNATURE = "classify"
INPUT = "input_ids"
OUTPUT = "logits"
PADDING_ID = 0
"""The id that fills a row up to its batch's length; BERT's [PAD], masked inside the graph."""

Precision = Literal["float32", "float16", "int8"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Free = dict[str, Any]
"""What is kept for its readers and not interpreted: how the model was trained, how it scored, how conversion agreed."""


class Cleaning(BaseModel):
    """The cleaning (stream/tweets/cleaning.py) that the model was trained with."""

    model_config = ConfigDict(extra="forbid")

    name: str
    version: int


class Manifest(BaseModel):
    """The contents of `model.json`."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    base: str
    """The pretrained encoder that the model was fine-tuned from."""
    precision: Precision
    labels: list[Polarity]
    """The polarity of each column of the logits."""
    cleaning: Cleaning
    max_tokens: int = Field(ge=3, le=512)
    """Texts are cut to this many tokens, [CLS] and [SEP] included."""
    length_buckets: list[int]
    """The lengths, in tokens, that a batch is padded to; ascending, the last is `max_tokens`."""
    temperature: float = Field(default=1.0, gt=0)
    """The logits are divided by it before the softmax, so that confidence means what it says (Guo et al., 2017)."""
    files: dict[str, Sha256]
    licence: str
    source: Free
    training: Free = {}
    scores: Free = {}
    agreement: Free = {}
    calibration: Free = {}
    """What the temperature was fitted on, and what it did."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sorted(self.labels) != sorted(POLARITIES):
            raise ValueError(f"labels must be {', '.join(POLARITIES)} in some order, not {self.labels}")
        if self.length_buckets != sorted(set(self.length_buckets)) or self.length_buckets[-1:] != [self.max_tokens]:
            raise ValueError("length_buckets must ascend and end with max_tokens")
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if name not in self.files:
                raise ValueError(f"files has no hash of {name}")
        return self


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest has been read and whose files have the hashes it states."""

    path: Path
    manifest: Manifest

    @property
    def model_path(self) -> Path:
        """Where the TensorFlow Lite model lies."""
        return self.path / MODEL_FILE

    @property
    def tokenizer_path(self) -> Path:
        """Where the tokeniser lies."""
        return _find_file(self.path, TOKENIZER_FILE, self.manifest.files[TOKENIZER_FILE])

    @property
    def sha256(self) -> str:
        """The hash of the model file, by which labels and metrics name the model."""
        return self.manifest.files[MODEL_FILE]

    @property
    def identity(self) -> ModelIdentity:
        """Name, precision and hash, as labels and metrics state them."""
        return ModelIdentity(self.manifest.name, self.manifest.precision, self.sha256)


def find_bundle(wanted: Path | None) -> Path:
    """Find a bundle's folder.

    Args:
        wanted: Its path, or the name of one that comes with Starling, unless a folder of that name is here; None: the
            default one.
    """
    if wanted is None:
        return SHIPPED_BUNDLE
    is_name = len(wanted.parts) == 1 and not wanted.exists()
    return SHIPPED / wanted if is_name and (SHIPPED / wanted).is_dir() else wanted


def load_bundle(wanted: Path | None) -> Bundle:
    """Read a bundle's manifest and check its files against it.

    Args:
        wanted: As `find_bundle` takes it.

    Raises:
        BundleError: The folder or a file is missing, the manifest is wrong, or a file is not the one it names.
    """
    path = find_bundle(wanted)
    manifest = _read_manifest(path)
    for name, expected in manifest.files.items():
        _check_file(path, name, expected)
    return Bundle(path, manifest)


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(path: Path) -> Manifest:
    manifest_path = path / MANIFEST_FILE
    try:
        return Manifest.model_validate_json(manifest_path.read_bytes())
    except OSError as error:
        raise BundleError(f"no model bundle at {path}: cannot read {MANIFEST_FILE} ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise BundleError(f"{manifest_path} is not a bundle's manifest: {where}: {first['msg']}") from error


def _find_file(path: Path, name: str, expected: str) -> Path:
    """Find a file of the bundle at `path`: its own, else the default bundle's if that has the expected hash."""
    own, default = path / name, SHIPPED_BUNDLE / name
    is_default = not own.exists() and default.is_file() and file_sha256(default) == expected
    return default if is_default else own


def _check_file(path: Path, name: str, expected: str) -> None:
    if Path(name).name != name or "\0" in name:
        raise BundleError(f"{path / MANIFEST_FILE} names a file outside the bundle: {name}")
    try:
        found = file_sha256(_find_file(path, name, expected))
    except OSError as error:
        raise BundleError(f"the model bundle at {path} lacks {name} ({error.strerror})") from error
    if found != expected:
        raise BundleError(
            f"{path / name} is not the file that {MANIFEST_FILE} names: its sha256 begins {found[:12]}, not "
            f"{expected[:12]}: the bundle is damaged or was changed; copy it again"
        )
