"""The metrics of nodes over HTTP."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from stream.commands.gate.readings import Reading, parse
from stream.commands.gate.watching import Read
from stream.commands.health_request import local_host
from stream.credentials import read_password
from stream.errors import SettingsError
from stream.settings import HttpSettings

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Readers of the metrics of a node and of its peers, by their addresses."""

    own: Read
    peers: dict[str, Read]


@contextlib.asynccontextmanager
async def endpoints(settings: HttpSettings, peers: Sequence[str], authority: Path | None) -> AsyncIterator[Endpoints]:
    """Open connections to a node and its peers, with the node's user and password.

    Args:
        settings: The node's HTTP address, certificate, user and password.
        peers: URLs of the peers, without a path.
        authority: The authority that signed the peers' certificates; None: one that the system trusts.

    Raises:
        SettingsError: A file of the settings, or the authority, cannot be read.
    """
    timeout = aiohttp.ClientTimeout(_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(auth=_login(settings), timeout=timeout) as session:
        own = _reader(session, own_url(settings), _own_certificate(settings))
        trusted = _authority(authority)
        yield Endpoints(own, {url: _reader(session, url.rstrip("/"), trusted) for url in peers})


def own_url(settings: HttpSettings) -> str:
    """Return the URL of a node's own server, on this machine."""
    host = local_host(settings)
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.certificate_file else 'http'}://{host}:{settings.port}"


def _login(settings: HttpSettings) -> aiohttp.BasicAuth | None:
    if settings.username is None or settings.password_file is None:
        return None
    password = read_password("http.password_file", settings.password_file)
    return aiohttp.BasicAuth(settings.username, password.get_secret_value(), encoding="utf-8")


def _own_certificate(settings: HttpSettings) -> ssl.SSLContext | None:
    """Trust exactly the node's own certificate: its name is often not the address that the service listens on."""
    if settings.certificate_file is None:
        return None
    context = _trusting("http.certificate_file", settings.certificate_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _authority(authority: Path | None) -> ssl.SSLContext | None:
    return None if authority is None else _trusting("--peer-ca", authority)


def _trusting(setting: str, file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except OSError as error:
        raise SettingsError(f"{setting}: cannot read {file}: {error.strerror or error}") from error


def _reader(session: aiohttp.ClientSession, url: str, certificate: ssl.SSLContext | None) -> Read:
    async def read() -> Reading | None:
        try:
            async with session.get(f"{url}/metrics", ssl=certificate or True) as answer:
                if not answer.ok:
                    return None
                return parse((await answer.read()).decode("utf-8", "replace"))
        except (aiohttp.ClientError, OSError, ValueError):
            return None

    return read
