"""The two connections of a node to its broker."""

from dataclasses import dataclass

from stream.mqtt.connection import Connection


@dataclass(frozen=True)
class Connections:
    """Two connections: while the window is full no more tweets are read, but confirmations of results must be read."""

    intake: Connection
    """The connection that tweets arrive by; the broker keeps its session while the node is away."""
    outlet: Connection
    """The connection that results are published over."""
