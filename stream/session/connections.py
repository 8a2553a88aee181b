"""The two connections of a node to its broker."""

from dataclasses import dataclass

from stream.mqtt.connection import Connection


@dataclass(frozen=True)
class Connections:
    """Two connections: when enough tweets are held no more are read, but the confirmations of results must be."""

    intake: Connection
    """Where tweets come from; the broker keeps this session while we are away."""
    outlet: Connection
    """Where results go."""
