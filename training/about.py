"""Metadata of a checkpoint, in `about.toml` in its folder.

name = "minilm"
base = "sentence-transformers/all-MiniLM-L6-v2"
licence = "Apache-2.0"
max_tokens = 80
cleaning = { name = "placeholders", version = 1 }
entity = false  # true: the model reads the name of an entity as second segment
languages = ["en"]  # those that the model labels; optional

[source]    # any keys: origin of the weights
[training]  # any keys: data, recipe
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stream.model.bundle import Cleaning
from training.errors import CheckpointError

ABOUT_FILE = "about.toml"


class About(BaseModel):
    """Contents of `about.toml`; the manifest in stream/model/bundle.py documents the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    base: str
    licence: str
    max_tokens: int = Field(ge=3, le=512)
    cleaning: Cleaning
    entity: bool = False
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = []
    source: dict[str, Any] = {}
    training: dict[str, Any] = {}


def write_about(path: Path, about: About) -> None:
    """Write an `about.toml`."""
    path.write_text(tomlkit.dumps(about.model_dump(mode="json", exclude_none=True)), encoding="utf-8")


def read_about(path: Path) -> About:
    """Read an `about.toml`.

    Raises:
        CheckpointError: The file cannot be read, or a key is missing, wrong or unknown.
    """
    try:
        return About.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CheckpointError(
            f"cannot read {path} ({error.strerror}): create it as TOML with the keys name, base, licence, max_tokens "
            "and cleaning, or give another file with --about"
        ) from error
    except ValidationError as error:  # a subclass of ValueError, so it comes first
        first = error.errors(include_url=False)[0]
        raise CheckpointError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid TOML: {error}") from error
