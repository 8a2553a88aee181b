"""MQTT client of the load generator: plain paho, which uses less CPU time than the measured service."""

import socket
from typing import cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from stream.errors import BrokerError


def connected(host: str, port: int) -> Client:
    """Connect, without Nagle's algorithm and without a limit on messages in flight.

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
