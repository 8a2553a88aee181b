"""Writes values to the user's settings file; its other content and comments stay unchanged."""

from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from stream.errors import InputError
from stream.files import replace_text


def write_power_settings(file: Path, values: Mapping[str, float]) -> None:
    """Set keys of the section [power].

    Args:
        file: The settings file; it is created if it does not exist.
        values: The keys and their values.

    Raises:
        InputError: The file cannot be read or written, or is not TOML.
    """
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        replace_text(file, _with_values(text, values), make_folder=False)
    except OSError as error:
        raise InputError(f"cannot write the settings to {file}: {error.strerror}") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not TOML: {error}") from error


def _with_values(text: str, values: Mapping[str, float]) -> str:
    document = tomlkit.parse(text)
    section = document.setdefault("power", tomlkit.table())
    for key, value in values.items():
        section[key] = value
    return tomlkit.dumps(document)
