"""The load's connections to the broker: paho with its own thread, which reconnects automatically."""

import socket
from typing import Any

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

_RECONNECT_SECONDS = 1
_MOST_UNCONFIRMED = 1000


def client(identifier: str) -> Client:
    """Return an unconnected client with a persistent session."""
    made = Client(CallbackAPIVersion.VERSION2, identifier, clean_session=False, protocol=MQTTv311)
    made.reconnect_delay_set(_RECONNECT_SECONDS, _RECONNECT_SECONDS)
    made.max_inflight_messages_set(_MOST_UNCONFIRMED)
    made.on_socket_open = _send_at_once
    return made


def _send_at_once(_client: Client, _userdata: object, sock: Any) -> None:
    """Disable Nagle's algorithm, which delays small packets until the broker's delayed acknowledgement."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
