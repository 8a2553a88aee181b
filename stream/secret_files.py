"""Secrets, which the settings name by file: so they are in no settings file, no environment and no command line."""

from pathlib import Path

from pydantic import SecretStr

from stream.errors import SettingsError


def read_password(setting: str, path: Path) -> SecretStr:
    """Reads a password from a file, without the line end that editors leave.

    Args:
        setting: The setting that names the file, for the error.
        path: The file.

    Raises:
        SettingsError: The file cannot be read, or is empty.
    """
    try:
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{setting}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: {path} holds no password: it is not UTF-8") from None
    if not password:
        raise SettingsError(f"{setting}: {path} holds no password: it is empty")
    return SecretStr(password)
