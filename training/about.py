"""What a checkpoint cannot say of itself, written beside it as `about.toml`.

name = "minilm"
base = "sentence-transformers/all-MiniLM-L6-v2"
licence = "Apache-2.0"
max_tokens = 80
cleaning = { name = "placeholders", version = 1 }

[source]    # anything: where the weights come from
[training]  # anything: data, recipe
"""

import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stream.model.bundle import Cleaning
from training.errors import CheckpointError

ABOUT_FILE = "about.toml"


class About(BaseModel):
    """The contents of `about.toml`; what they mean is said in stream/model/bundle.py's manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    base: str
    licence: str
    max_tokens: int = Field(ge=3, le=512)
    cleaning: Cleaning
    source: dict[str, Any] = {}
    training: dict[str, Any] = {}


def write_about(path: Path, about: About) -> None:
    """Write an `about.toml`."""
    path.write_text(tomlkit.dumps(about.model_dump(mode="json", exclude_none=True)), encoding="utf-8")


def read_about(path: Path) -> About:
    """Read an `about.toml`.

    Raises:
        CheckpointError: It cannot be read, or a key is missing, wrong or unknown.
    """
    try:
        return About.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CheckpointError(
            f"cannot read {path} ({error.strerror}): write there, in TOML, the model's name, base, licence, "
            "max_tokens and cleaning, or name the file that has them with --about"
        ) from error
    except ValidationError as error:  # a ValueError too, so it must come before the next
        first = error.errors(include_url=False)[0]
        raise CheckpointError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not TOML: {error}") from error
