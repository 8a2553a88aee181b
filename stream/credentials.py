"""Credentials: passwords, certificates and keys, which the settings name by file.

No secret stands in a settings file, in the environment or on a command line.
"""

import ssl
from pathlib import Path

from pydantic import SecretStr

from stream.errors import SettingsError
from stream.settings import BrokerSettings, HttpSettings


def read_password(setting: str, path: Path) -> SecretStr:
    """Read a password from a file, without the line end that editors leave.

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


def broker_tls(settings: BrokerSettings) -> ssl.SSLContext | None:
    """What is verified and shown: the broker's certificate and name always, our own certificate where there is one.

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
    """What is shown to whoever reads the metrics; None where they are served without TLS.

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
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL would ask the terminal for it
    except OSError as error:
        raise SettingsError(
            f"{section}: cannot use certificate_file {certificate} with key_file {key}: {error}; both must be PEM and "
            "belong together, and the key have no passphrase"
        ) from error
