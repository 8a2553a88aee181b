"""The two connections of a node to its broker."""

from dataclasses import dataclass

from stream.mqtt.client import Client


@dataclass(frozen=True)
class Connections:
    """Two connections: when enough tweets are held no more are read, but the confirmations of results must be."""

    intake: Client
    """Where tweets come from; the broker keeps this session while we are away."""
    outlet: Client
    """Where results go."""
