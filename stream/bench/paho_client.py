"""The MQTT client of the load: plain paho, which costs less than what it measures."""

import socket
from typing import cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from stream.errors import BrokerError


def connected(host: str, port: int) -> Client:
    """Connect, without Nagle's delay and without a bound on what is under way.

    Raises:
        BrokerError: The broker cannot be reached.
    """
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    client.max_inflight_messages_set(0)
    try:
        client.connect(host, port)
    except OSError as error:
        raise BrokerError(f"cannot reach the broker at {host}:{port}: {error.strerror or error}") from error
    raw = cast("socket.socket", client.socket())
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


__all__ = ["Client", "MQTTMessage", "connected"]
