"""The options of a connection to the broker, taken from the settings."""

import uuid
from pathlib import Path

from stream.credentials import read_password
from stream.mqtt.packets import Login, Will
from stream.settings import BrokerSettings


def login(settings: BrokerSettings, client_id: str | None, will: Will | None, *, persistent: bool) -> Login:
    """Return what a connection logs in with.

    Args:
        settings: The broker's settings.
        client_id: The name by which the broker recognises the session; None: a new one.
        will: The message that the broker publishes when the connection is lost.
        persistent: Whether the broker keeps the session, and the messages in it, while the client is away.

    Raises:
        SettingsError: The password cannot be read.
    """
    return Login(
        client_id=client_id or f"starling{uuid.uuid4().hex[:12]}",
        keepalive_seconds=settings.keepalive_seconds,
        clean_start=not persistent,
        session_expiry_seconds=settings.session_expiry_seconds if persistent else 0,
        receive_maximum=settings.receive_maximum,
        username=settings.username,
        password=_password(settings.password_file),
        will=will,
    )


def _password(path: Path | None) -> bytes | None:
    return None if path is None else read_password("broker.password_file", path).get_secret_value().encode()
