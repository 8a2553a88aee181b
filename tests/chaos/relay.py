"""A TCP relay between a node and its broker that cuts, stalls, slows and holds packets back.

It reads the stream packet by packet, so that a fault strikes where it is meant to: between a label and its
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
"""The bit by which a length says that it has another byte (MQTT 3.1.1 and 5, both 1.5.5 or 2.2.3)."""

_UNLIMITED = 0
_TWEETS = b"tweets/in"
_END = b""

Sender = Literal["node", "broker"]


class Packet(enum.Enum):
    """The packets that faults are about, by their sender and their type (MQTT 3.1.1 and 5, 2.1.2)."""

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


class _TornError(Exception):
    """The relay was told to end this connection in the middle of a packet."""


class Relay:
    """Stands between a node and its broker; an async context manager.

    Args:
        broker_port: Where the broker listens, on this machine.
        dice: Where a packet is torn, and which of the connections are cut.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, broker_port: int, dice: random.Random) -> None:
        self.port = 0
        self._broker_port = broker_port
        self._dice = dice
        self._flowing = _set_event()
        self._free = {packet: _set_event() for packet in Packet}
        self._to_tear: dict[Packet, asyncio.Event] = {}
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
        """Cut what is still connected."""
        self._server.close()
        self.flow()
        for packet in Packet:
            self.release(packet)
        self.cut()
        await self._tasks.__aexit__(kind, error, trace)

    def cut(self) -> None:
        """End all connections at once; what they held is lost."""
        for writers in self._connections.values():
            _abort(*writers)

    def cut_one(self) -> None:
        """End one connection, which one is a throw of the dice."""
        if self._connections:
            _abort(*self._dice.choice(list(self._connections.values())))

    async def tear(self, packet: Packet) -> None:
        """End the connection that such a packet comes on next, when a part of it has gone through."""
        self._to_tear[packet] = torn = asyncio.Event()
        await torn.wait()

    def stall(self) -> None:
        """Let nothing through, nor anybody know: a black hole."""
        self._flowing.clear()

    def slow(self, bytes_per_second: float) -> None:
        """Let everything through in small pieces, at a rate for each connection and direction."""
        self._bytes_per_second = bytes_per_second

    def flow(self) -> None:
        """End a stall and a slowness."""
        self._bytes_per_second = math.inf
        self._flowing.set()

    def hold(self, packet: Packet) -> None:
        """Keep such packets, and on a connection all that come after one, for there is order in TCP."""
        self._free[packet].clear()

    def release(self, packet: Packet) -> None:
        """Let such packets through again."""
        self._free[packet].set()

    def arrived(self, packet: Packet) -> int:
        """How many such packets have come, whether or not they were let through."""
        return self._arrivals[packet]

    def lost(self, packet: Packet) -> int:
        """How many such packets have come and, all being over, were not let through."""
        return self._arrivals[packet] - self._passed[packet]

    async def until(self, packet: Packet, count: int = 1) -> None:
        """Wait until so many more such packets have arrived here, whether or not they are let through."""
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
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump("node", from_node, to_broker, ending=to_node), name="pump-to-broker")
                pumps.create_task(self._pump("broker", from_broker, to_node, ending=to_broker), name="pump-to-node")
        finally:
            del self._connections[this]

    async def _pump(
        self, sender: Sender, source: asyncio.StreamReader, sink: asyncio.StreamWriter, ending: asyncio.StreamWriter
    ) -> None:
        """Carry one direction of one connection; when it ends, both directions do."""
        # What the node sends is read at once, so that it is known what a cut loses. What the broker sends is not, so
        # that it feels when the node reads no more.
        queue: asyncio.Queue[bytes] = asyncio.Queue(_UNLIMITED if sender == "node" else 1)
        async with asyncio.TaskGroup() as halves:
            halves.create_task(self._read(sender, source, queue), name=f"from-{sender}")
            try:
                while data := await queue.get():
                    await self._carry(_known(sender, data), data, sink)
                sink.close()
            except (ConnectionError, _TornError):
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
        if packet in self._to_tear:
            self._to_tear.pop(packet).set()
            await self._send(data[: self._dice.randrange(1, len(data))], sink)
            raise _TornError
        await self._send(data, sink)
        if packet:
            self._passed[packet] += 1

    async def _send(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        slow = math.isfinite(self._bytes_per_second)
        piece = self._dice.randrange(1, len(data) + 1) if slow else len(data)
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
    """Read a fixed header, and as many bytes as it says (MQTT 3.1.1 and 5, 2.1)."""
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
