"""A request to /healthz, which tells which node serves an address."""

import http.client
import ssl

from pydantic import BaseModel, ValidationError

from stream.settings import HttpSettings

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 65_536
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (it is replaced, not listened on)


class NodeHealth(BaseModel):
    """The answer of a node."""

    node: str
    uptime_seconds: float


def local_host(settings: HttpSettings) -> str:
    """Return the host at which this machine reaches its own server."""
    return _ANY_ADDRESS.get(settings.host, settings.host)


def ask_health(settings: HttpSettings) -> NodeHealth | None:
    """Ask the server at an address for its node; None where no node answers.

    /healthz needs no password, and none is sent. The certificate is not verified: the name in it is often not the
    address that the service listens on.
    """
    host = local_host(settings)
    connection: http.client.HTTPConnection
    if settings.certificate_file:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, settings.port, timeout=_TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, settings.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return NodeHealth.model_validate_json(connection.getresponse().read(_MOST_BYTES))
    except (OSError, http.client.HTTPException, ValidationError):
        return None
    finally:
        connection.close()
