"""A TCP relay between a node and its broker that cuts and stalls connections, and delays and withholds packets.

It reads the stream packet by packet, so that a fault can happen at an exact point: between a label and its
acknowledgement, or in the middle of a packet.
"""

import asyncio
import contextlib
import enum
import math
import random
from collections import Counter
from types import TracebackType
from typing import Literal, Self

_HOST = "127.0.0.1"
_CONTINUED = 0x80
"""Bit of a length byte that is set if another byte follows (MQTT 3.1.1, 2.2.3; MQTT 5, 1.5.5)."""

_UNLIMITED = 0
_TWEETS = b"tweets/in"
_END = b""

Sender = Literal["node", "broker"]


class Packet(enum.Enum):
    """Packets that faults refer to, as sender and packet type (MQTT 3.1.1, 2.2.1; MQTT 5, 2.1.2)."""

    TWEET = ("broker", 3)
    """PUBLISH to the node."""
    ACKNOWLEDGEMENT = ("node", 4)
    """PUBACK for a tweet."""
    LABEL = ("node", 3)
    """PUBLISH from the node: a label, a rejection or its status."""
    CONFIRMATION = ("broker", 4)
    """PUBACK for a label."""
    SUBSCRIPTION = ("node", 8)
    """SUBSCRIBE to the tweets, once in each session."""


class _CutWithinError(Exception):
    """The relay ends this connection in the middle of a packet."""


class Relay:
    """Relay between a node and its broker; an async context manager.

    Args:
        broker_port: The broker's port on this machine.
        random_generator: Random generator that chooses where a packet is cut, and which connection.

    Attributes:
        port: Port on which it listens.
    """

    def __init__(self, broker_port: int, random_generator: random.Random) -> None:
        self.port = 0
        self._broker_port = broker_port
        self._random_generator = random_generator
        self._flowing = _set_event()
        self._free = {packet: _set_event() for packet in Packet}
        self._to_cut_within: dict[Packet, asyncio.Event] = {}
        self._bytes_per_second = math.inf
        self._connections: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._tasks = asyncio.TaskGroup()
        self._arrivals: Counter[Packet] = Counter()
        self._passed: Counter[Packet] = Counter()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        await self._tasks.__aenter__()
        self._server = await asyncio.start_server(self._accept, _HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut the remaining connections."""
        self._server.close()
        self.flow()
        for packet in Packet:
            self.release(packet)
        self.cut()
        await self._tasks.__aexit__(kind, error, trace)

    def cut(self) -> None:
        """End all connections at once; packets in the relay are lost."""
        for writers in self._connections.values():
            _abort(*writers)

    def cut_one(self) -> None:
        """End one connection, chosen at random."""
        if self._connections:
            _abort(*self._random_generator.choice(list(self._connections.values())))

    async def cut_within(self, packet: Packet) -> None:
        """Forward only a part of the next packet of this kind, then end its connection."""
        self._to_cut_within[packet] = started = asyncio.Event()
        await started.wait()

    def stall(self) -> None:
        """Forward nothing, and leave the connections open."""
        self._flowing.clear()

    def slow(self, bytes_per_second: float) -> None:
        """Forward everything in small pieces, at this rate for each connection and direction."""
        self._bytes_per_second = bytes_per_second

    def flow(self) -> None:
        """Forward everything again without delay."""
        self._bytes_per_second = math.inf
        self._flowing.set()

    def hold(self, packet: Packet) -> None:
        """Hold packets of this kind, and all later packets on the same connection, since TCP keeps the order."""
        self._free[packet].clear()

    def release(self, packet: Packet) -> None:
        """Forward packets of this kind again."""
        self._free[packet].set()

    def arrived(self, packet: Packet) -> int:
        """Return the number of packets of this kind that were received, forwarded or not."""
        return self._arrivals[packet]

    def lost(self, packet: Packet) -> int:
        """Return the number of packets of this kind that were received and not forwarded; valid after the trial."""
        return self._arrivals[packet] - self._passed[packet]

    async def until(self, packet: Packet, count: int = 1) -> None:
        """Wait until this many more packets of this kind were received, forwarded or not."""
        wanted = self._arrivals[packet] + count
        while self._arrivals[packet] < wanted:
            self._arrived.clear()
            await self._arrived.wait()

    def _accept(self, from_node: asyncio.StreamReader, to_node: asyncio.StreamWriter) -> None:
        self._tasks.create_task(self._relay(from_node, to_node), name="relay")

    async def _relay(self, from_node: asyncio.StreamReader, to_node: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        try:
            from_broker, to_broker = await asyncio.open_connection(_HOST, self._broker_port)
        except ConnectionError:
            _abort(to_node)
            return
        this = asyncio.current_task()
        assert this
        self._connections[this] = (to_node, to_broker)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(
                    self._forward("node", from_node, to_broker, ending=to_node), name="forward-to-broker"
                )
                directions.create_task(
                    self._forward("broker", from_broker, to_node, ending=to_broker), name="forward-to-node"
                )
        finally:
            del self._connections[this]

    async def _forward(
        self, sender: Sender, source: asyncio.StreamReader, sink: asyncio.StreamWriter, ending: asyncio.StreamWriter
    ) -> None:
        """Forward one direction of a connection; when it ends, both directions end."""
        # The node's packets are read at once, so that the packets that a cut loses are known. The broker's packets
        # are not, so that the broker notices when the node stops reading.
        queue: asyncio.Queue[bytes] = asyncio.Queue(_UNLIMITED if sender == "node" else 1)
        async with asyncio.TaskGroup() as halves:
            halves.create_task(self._read(sender, source, queue), name=f"from-{sender}")
            try:
                while data := await queue.get():
                    await self._carry(_known(sender, data), data, sink)
                sink.close()
            except (ConnectionError, _CutWithinError):
                _abort(sink, ending)
                while await queue.get():
                    pass  # lost

    async def _read(self, sender: Sender, source: asyncio.StreamReader, queue: asyncio.Queue[bytes]) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                data = await _read_packet(source)
                if packet := _known(sender, data):
                    self._arrivals[packet] += 1
                    self._arrived.set()
                await queue.put(data)
        await queue.put(_END)

    async def _carry(self, packet: Packet | None, data: bytes, sink: asyncio.StreamWriter) -> None:
        if packet:
            await self._free[packet].wait()
        await self._flowing.wait()
        if packet in self._to_cut_within:
            self._to_cut_within.pop(packet).set()
            await self._send(data[: self._random_generator.randrange(1, len(data))], sink)
            raise _CutWithinError
        await self._send(data, sink)
        if packet:
            self._passed[packet] += 1

    async def _send(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        slow = math.isfinite(self._bytes_per_second)
        piece = self._random_generator.randrange(1, len(data) + 1) if slow else len(data)
        for start in range(0, len(data), piece):
            sink.write(data[start : start + piece])
            await sink.drain()
            if slow:
                await asyncio.sleep(piece / self._bytes_per_second)


def _known(sender: Sender, data: bytes) -> Packet | None:
    try:
        packet = Packet((sender, data[0] >> 4))
    except ValueError:
        return None
    return None if packet is Packet.SUBSCRIPTION and _TWEETS not in data else packet


async def _read_packet(source: asyncio.StreamReader) -> bytes:
    """Read a fixed header and the remaining bytes, whose number it states (MQTT 3.1.1, 2.2; MQTT 5, 2.1)."""
    head = await source.readexactly(2)
    while head[-1] & _CONTINUED:
        head += await source.readexactly(1)
    length = sum((byte & ~_CONTINUED) << 7 * place for place, byte in enumerate(head[1:]))
    return head + await source.readexactly(length)


def _abort(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.transport.abort()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
