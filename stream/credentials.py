"""Credentials: passwords, certificates and keys, whose files the settings name.

No secret is in a settings file, in the environment or on a command line.
"""

import logging
import ssl
import stat
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from stream.errors import SettingsError
from stream.settings import BrokerSettings, HttpSettings

logger = logging.getLogger(__name__)


def read_password(setting: str, path: Path) -> SecretStr:
    """Read a password from a file, without the line end that editors add.

    Args:
        setting: The setting that names the file, for the error.
        path: The file.

    Raises:
        SettingsError: The file cannot be read, is empty, or can be changed by every user.
    """
    try:
        check_permissions(setting, path)
        text = path.read_text(encoding="utf-8") if path.is_file() else _read_once(path, path.stat().st_ino)
        password = text.rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{setting}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: {path} holds no password: it is not UTF-8") from None
    if not password:
        raise SettingsError(f"{setting}: {path} holds no password: it is empty")
    return SecretStr(password)


@cache
def _read_once(path: Path, _inode: int) -> str:
    """Read a pipe, as /dev/stdin can be, whose content is there only once; each connection of a command needs it."""
    return path.read_text(encoding="utf-8")


def check_permissions(setting: str, path: Path) -> None:
    """Check who may use a file with a secret; that every user may read it is a warning in the log.

    Args:
        setting: The setting that names the file.
        path: The file.

    Raises:
        OSError: The file cannot be looked at.
        SettingsError: Every user can change it.
    """
    mode = path.stat().st_mode
    if mode & stat.S_IWOTH:
        raise SettingsError(
            f"{setting}: every user can change {path} (its mode is {stat.S_IMODE(mode):04o}): run chmod 600 {path}"
        )
    if mode & stat.S_IROTH:
        logger.warning(
            "%s: every user can read %s (its mode is %04o): run chmod 600 %s", setting, path, stat.S_IMODE(mode), path
        )


def broker_tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    """Return the TLS context for the broker: it verifies the certificate and the name, and shows our certificate.

    Raises:
        SettingsError: A certificate or key cannot be read.
    """
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise SettingsError(f"broker.ca_file: cannot use {settings.ca_file}: {error}") from error
    if settings.certificate_file:
        _show(context, "broker", settings.certificate_file, settings.key_file)
    return context


def http_tls(settings: HttpSettings) -> ssl.SSLContext | None:
    """Return the TLS context of the HTTP server; None where it serves without TLS.

    Raises:
        SettingsError: The certificate or the key cannot be read.
    """
    if settings.certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _show(context, "http", settings.certificate_file, settings.key_file)
    return context


def _show(context: ssl.SSLContext, section: str, certificate: Path, key: Path | None) -> None:
    try:
        if key:
            check_permissions(f"{section}.key_file", key)
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL would ask the terminal for it
    except OSError as error:
        raise SettingsError(
            f"{section}: cannot use certificate_file {certificate} with key_file {key}: {error}; both must be PEM and "
            "belong together, and the key have no passphrase"
        ) from error
