"""What a connection to the broker is made with, and what to do where it fails."""

import socket
import ssl
from typing import Any

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stream.credentials import broker_tls, read_password
from stream.settings import BrokerSettings

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""Without it Nagle's algorithm holds small packets back until the broker's delayed acknowledgement, about 40 ms."""


def connection_options(settings: BrokerSettings, *, persistent: bool) -> dict[str, Any]:
    """What aiomqtt's client is to be made with.

    Args:
        settings: The broker's.
        persistent: Whether the broker keeps the session, and the messages in it, while the client is away.

    Raises:
        SettingsError: A certificate, a key or the password cannot be read.
    """
    version_5 = settings.protocol == "5"
    return {
        "protocol": aiomqtt.ProtocolVersion.V5 if version_5 else aiomqtt.ProtocolVersion.V311,
        "username": settings.username,
        "password": _password(settings),
        "tls_context": broker_tls(settings),
        "keepalive": settings.keepalive_seconds,
        "timeout": settings.timeout_seconds,
        "socket_options": [_NO_DELAY],
        "properties": _connect_properties(settings, persistent=persistent) if version_5 else None,
        "clean_start": not persistent if version_5 else MQTT_CLEAN_START_FIRST_ONLY,
        "clean_session": None if version_5 else not persistent,
    }


def advice(error: aiomqtt.MqttError, settings: BrokerSettings) -> str:
    """What to check where the broker could not be reached or did not want us."""
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "; check broker.ca_file and that broker.host is the name in its certificate"
    if isinstance(cause, ssl.SSLError):
        return "; check that this port speaks TLS, and broker.certificate_file if it asks for one"
    if isinstance(cause, ConnectionRefusedError | socket.gaierror | TimeoutError):
        return "; check broker.host and broker.port, and that the broker runs"
    if isinstance(error, MqttConnectError):
        return f"; check broker.username, broker.password_file and broker.protocol (now '{settings.protocol}')"
    return ""


def _connect_properties(settings: BrokerSettings, *, persistent: bool) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = settings.receive_maximum
    properties.SessionExpiryInterval = settings.session_expiry_seconds if persistent else 0
    return properties


def _password(settings: BrokerSettings) -> str | None:
    if settings.password_file is None:
        return None
    return read_password("broker.password_file", settings.password_file).get_secret_value()
