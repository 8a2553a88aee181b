"""The packets of one transport, with a transport that the test controls."""

import asyncio
from typing import Any

import pytest

from stream.mqtt.packet_stream import PacketStream
from stream.mqtt.packets import Packet
from tests.unit.mqtt.conftest import LetPass
from tests.unit.mqtt.scripted_broker import packet

FIRST, SECOND, THIRD = (packet(0xD0, bytes([number])) for number in range(3))
LAST = b"\xe0\x00"
LARGE = b"x" * 65_536


class FakeTransport(asyncio.Transport):
    """A socket; `done` records the calls in order."""

    def __init__(self, stream: PacketStream, *, half_closes: bool = True) -> None:
        super().__init__()
        self.stream = stream
        self.done: list[Any] = []
        self.closing = False
        self.half_closes = half_closes
        self.eof_error: OSError | None = None
        stream.connection_made(self)

    @property
    def written(self) -> list[bytes]:
        return [call for call in self.done if isinstance(call, bytes)]

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def can_write_eof(self) -> bool:
        return self.half_closes

    def write_eof(self) -> None:
        self.done.append("eof")
        if self.eof_error:
            raise self.eof_error

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.done.append("abort")
        self.closing = True
        asyncio.get_running_loop().call_soon(self.stream.connection_lost, None)

    def receive(self, data: bytes) -> None:
        """Let the stream receive bytes."""
        self.stream.get_buffer(-1)[: len(data)] = data
        self.stream.buffer_updated(len(data))


class Owner:
    """The owner of a stream, which records what it is told."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.ends: list[Exception | None] = []
        self.writable: list[bool] = []
        self.pauses_after = 1000
        self.fails_after = 1000
        self.stream = PacketStream(self.take, self.ends.append, self.writable.append)

    def take(self, received: Packet) -> None:
        self.packets.append(received.raw)
        if len(self.packets) == self.pauses_after:
            self.stream.pause()
        if len(self.packets) == self.fails_after:
            raise ZeroDivisionError


@pytest.fixture
async def owner() -> Owner:
    return Owner()


@pytest.fixture
async def transport(owner: Owner) -> FakeTransport:
    return FakeTransport(owner.stream)


async def turn() -> None:
    """Let the event loop run once."""
    await asyncio.sleep(0)


async def test_packets_of_one_turn_are_one_write(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.send(FIRST)
    owner.stream.send(SECOND)
    assert transport.written == []
    await turn()
    assert transport.written == [FIRST + SECOND]
    owner.stream.send(THIRD)
    await turn()
    assert transport.written == [FIRST + SECOND, THIRD]


async def test_much_to_send_is_written_at_once(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.send(LARGE[1:])
    assert transport.written == []
    owner.stream.send(b"a")
    assert transport.written == [LARGE[1:] + b"a"]
    await turn()
    owner.stream.send(LARGE)
    assert transport.written[1:] == [LARGE]
    owner.stream.send(b"b")
    assert transport.written[2:] == []
    await turn()
    assert transport.written[2:] == [b"b"]
    owner.stream.send(LARGE[1:])
    assert transport.written[3:] == []


async def test_what_is_sent_before_the_connection_is_made_waits_for_it(owner: Owner) -> None:
    owner.stream.send(FIRST)
    await turn()
    transport = FakeTransport(owner.stream)
    owner.stream.send(SECOND)
    await turn()
    assert transport.written == [FIRST + SECOND]


async def test_nothing_is_written_to_a_closing_transport(owner: Owner, transport: FakeTransport) -> None:
    transport.closing = True
    owner.stream.send(FIRST)
    await turn()
    assert transport.written == []


async def test_the_times_of_the_last_bytes_are_known(
    owner: Owner, transport: FakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 5000.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    transport.receive(FIRST)
    assert owner.stream.received_at == 5000
    now = 6000.0
    owner.stream.send(FIRST)
    await turn()
    assert (owner.stream.received_at, owner.stream.sent_at) == (5000, 6000)
    now = 7000.0
    owner.stream.pause()
    owner.stream.resume()
    assert (owner.stream.received_at, owner.stream.sent_at) == (7000, 6000)
    now = 8000.0
    owner.stream.connection_made(transport)
    assert (owner.stream.received_at, owner.stream.sent_at) == (8000, 8000)


async def test_received_packets_are_handed_out_whole(owner: Owner, transport: FakeTransport) -> None:
    transport.receive(FIRST + SECOND[:1])
    assert owner.packets == [FIRST]
    transport.receive(SECOND[1:])
    assert owner.packets == [FIRST, SECOND]
    assert len(owner.stream.get_buffer(-1)) == 65_536


async def test_while_paused_packets_are_held_back(owner: Owner, transport: FakeTransport) -> None:
    owner.pauses_after = 1
    transport.receive(FIRST + SECOND)
    assert owner.stream.paused
    owner.stream.pause()
    transport.receive(THIRD)
    assert (owner.packets, transport.done) == ([FIRST], ["pause"])
    owner.stream.resume()
    owner.stream.resume()
    assert not owner.stream.paused
    await turn()
    assert (owner.packets, transport.done) == ([FIRST, SECOND, THIRD], ["pause", "resume"])


async def test_a_stream_can_be_paused_before_the_connection_is_made(owner: Owner) -> None:
    owner.stream.pause()
    owner.stream.resume()
    assert not owner.stream.paused
    owner.stream.pause()
    FakeTransport(owner.stream).receive(FIRST)
    assert owner.packets == []


async def test_an_error_of_the_owner_ends_the_stream(owner: Owner, transport: FakeTransport) -> None:
    owner.fails_after = 1
    transport.receive(FIRST + SECOND)
    assert owner.packets == [FIRST]
    assert isinstance(owner.ends[0], ZeroDivisionError)
    assert transport.done == ["abort"]
    await turn()
    assert len(owner.ends) == 1
    transport.receive(THIRD)
    assert owner.packets == [FIRST]


async def test_an_error_ends_the_stream_once_after_a_last_packet(owner: Owner, transport: FakeTransport) -> None:
    error = ZeroDivisionError()
    owner.stream.send(FIRST)
    owner.stream.end(error, LAST)
    owner.stream.end(ValueError(), LAST)
    assert owner.ends == [error]
    assert transport.done == [FIRST + LAST, "abort"]


async def test_a_stream_without_a_transport_can_end(owner: Owner) -> None:
    owner.stream.end(None, LAST)
    assert owner.ends == [None]


async def test_no_last_packet_is_written_to_a_closing_transport(owner: Owner, transport: FakeTransport) -> None:
    transport.closing = True
    owner.stream.end(None, LAST)
    assert transport.done == ["abort"]


async def test_an_ended_stream_is_not_paused(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.end(None)
    owner.stream.pause()
    assert not owner.stream.paused
    assert transport.done == ["abort"]


async def test_a_stream_that_ended_while_paused_is_not_resumed(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.pause()
    owner.stream.end(None)
    owner.stream.resume()
    await turn()
    assert transport.done == ["pause", "abort"]


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_a_lost_connection_ends_the_stream_with_its_reason(
    owner: Owner, transport: FakeTransport, error: Exception | None
) -> None:
    transport.receive(FIRST)
    owner.stream.connection_lost(error)
    owner.stream.end(ValueError())
    assert owner.ends == [error]


async def test_the_state_of_the_network_is_passed_on(owner: Owner, transport: FakeTransport) -> None:
    transport.stream.pause_writing()
    transport.stream.resume_writing()
    assert owner.writable == [False, True]


async def test_closing_sends_a_last_packet_and_waits_for_the_other_side(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.send(FIRST)
    closing = asyncio.create_task(owner.stream.close(LAST, 10))
    await turn()
    assert transport.done == [FIRST, LAST, "eof"]
    transport.receive(SECOND)
    assert owner.packets == []
    assert not closing.done()
    owner.stream.connection_lost(None)
    await closing
    assert owner.ends == []
    assert transport.done == [FIRST, LAST, "eof"]


async def test_closing_reads_on_where_reading_was_paused(owner: Owner, transport: FakeTransport) -> None:
    owner.stream.pause()
    closing = asyncio.create_task(owner.stream.close(LAST, 10))
    await turn()
    assert transport.done == ["pause", LAST, "resume", "eof"]
    owner.stream.connection_lost(None)
    await closing


async def test_closing_a_connection_that_cannot_be_half_closed(owner: Owner) -> None:
    transport = FakeTransport(owner.stream, half_closes=False)
    closing = asyncio.create_task(owner.stream.close(LAST, 10))
    await turn()
    assert transport.done == [LAST]
    owner.stream.connection_lost(None)
    await closing


async def test_closing_goes_on_where_the_other_side_has_hung_up(owner: Owner, transport: FakeTransport) -> None:
    transport.eof_error = OSError("not connected")
    closing = asyncio.create_task(owner.stream.close(LAST, 10))
    await turn()
    owner.stream.connection_lost(None)
    await closing


async def test_closing_aborts_where_the_other_side_does_not_hang_up(
    owner: Owner, transport: FakeTransport, let_pass: LetPass
) -> None:
    closing = asyncio.create_task(owner.stream.close(LAST, 10))
    await turn()
    assert not closing.done()
    let_pass(10)
    await closing
    assert transport.done == [LAST, "eof", "abort"]
    assert owner.ends == []


async def test_closing_what_is_closed_or_was_never_open_does_nothing(owner: Owner) -> None:
    await owner.stream.close(LAST, 10)
    transport = FakeTransport(owner.stream)
    owner.stream.connection_lost(None)
    await owner.stream.close(LAST, 10)
    assert transport.done == []


async def test_aborting_writes_a_last_packet_and_waits_for_the_end(owner: Owner, transport: FakeTransport) -> None:
    await owner.stream.abort(LAST)
    assert transport.done == [LAST, "abort"]
    assert owner.ends == []
    transport.done.clear()
    transport.closing = True
    await owner.stream.abort()
    assert transport.done == ["abort"]


async def test_a_stream_without_a_transport_can_be_aborted(owner: Owner) -> None:
    await owner.stream.abort(LAST)
    FakeTransport(owner.stream).receive(FIRST)
    assert owner.packets == []
