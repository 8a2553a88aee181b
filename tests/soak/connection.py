"""The load's connections to the broker: paho in a thread of its own, which comes back by itself after a loss.

Not the service's own client, for the load must cost little beside what it measures, and paho alone costs a third of it.
"""

import socket
from typing import Any

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

_RECONNECT_SECONDS = 1
_MOST_UNCONFIRMED = 1000


def client(identifier: str) -> Client:
    """Make a client whose session the broker keeps; not connected yet."""
    made = Client(CallbackAPIVersion.VERSION2, identifier, clean_session=False, protocol=MQTTv311)
    made.reconnect_delay_set(_RECONNECT_SECONDS, _RECONNECT_SECONDS)
    made.max_inflight_messages_set(_MOST_UNCONFIRMED)
    made.on_socket_open = _send_at_once
    return made


def _send_at_once(_client: Client, _userdata: object, sock: Any) -> None:
    """Without it Nagle's algorithm holds small packets back until the broker's delayed acknowledgement."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
