"""A connection to a scripted broker: every wait ends with the connection, and the error names the reason."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.connection import Connection
from stream.mqtt.decoding import read_publish
from stream.mqtt.encoding import publish_packet
from stream.mqtt.packets import CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, Message, Will
from stream.mqtt.versions import Versions
from stream.settings import BrokerSettings
from tests.unit.mqtt.conftest import LetPass
from tests.unit.mqtt.scripted_broker import (
    Peer,
    connack,
    disconnect,
    identifier,
    packet,
    puback,
    publish,
    scripted_broker,
    suback,
)
from tests.unit.waiting import until

PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@pytest.fixture(autouse=True, scope="module")
def little_to_collect() -> Iterator[None]:
    """Exclude existing objects from the garbage collection after each test, which makes it faster."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
async def nothing_is_left_behind(little_to_collect: None) -> AsyncIterator[None]:  # noqa: ARG001
    """Fail a test that leaves a task, or an exception that was never retrieved."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    yield
    gc.collect()
    assert not complaints
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert {task.get_name() for task in left} == set()


async def stay(peer: Peer) -> None:
    """Read until the client ends the connection."""
    while await peer.packet():
        pass


async def accept_and_stay(peer: Peer) -> None:
    await peer.accept()
    await stay(peer)


@PROTOCOLS
async def test_a_connection_sends_its_identifier_credentials_and_options(protocol: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    connects: list[bytes] = []

    async def script(peer: Peer) -> None:
        connects.append((await peer.expect(CONNECT)).raw)
        peer.send(connack(version_5=protocol == "5"))
        await stay(peer)

    options = {"username": "ada", "password_file": tmp_path / "password", "protocol": protocol, "receive_maximum": 7}
    async with scripted_broker(script, **options) as settings:
        will = Will("starling/pi/status", b"offline", retain=True)
        async with Connection(settings, identifier="starling-pi", will=will, persistent=True):
            pass
    if protocol == "5":
        head = b"\x00\x04MQTT\x05\xec\x00\x1e" + b"\x08\x11" + (604_800).to_bytes(4) + b"\x21\x00\x07"
        will_properties = b"\x00"
    else:
        head, will_properties = b"\x00\x04MQTT\x04\xec\x00\x1e", b""
    body = head + b"\x00\x0bstarling-pi" + will_properties + b"\x00\x12starling/pi/status\x00\x07offline"
    assert connects == [packet(0x10, body + b"\x00\x03ada\x00\x06secret")]


async def test_without_an_identifier_each_connection_has_a_name_of_its_own() -> None:
    names: set[bytes] = set()

    async def script(peer: Peer) -> None:
        names.add((await peer.expect(CONNECT)).raw[-20:])
        peer.send(connack())
        await stay(peer)

    async with scripted_broker(script) as settings:
        for _ in range(2):
            async with Connection(settings):
                pass
    assert len(names) == 2
    assert all(name.startswith(b"starling") for name in names)


async def test_small_packets_are_not_held_back() -> None:
    async with scripted_broker(accept_and_stay) as settings, Connection(settings) as connection:
        assert connection.link.stream.transport
        sock = connection.link.stream.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


Wait = Callable[[Connection], Awaitable[object]]

WAITS: dict[str, Wait] = {
    "subscribe": lambda connection: connection.subscribe_confirmed("tweets/in"),
    "unsubscribe": lambda connection: connection.unsubscribe_confirmed("tweets/in"),
    "publish": lambda connection: connection.publish_confirmed("tweets/polarity", b"label"),
    "publish and wait for room": lambda connection: asyncio.gather(
        *(connection.publish_confirmed("tweets/polarity", b"label") for _ in range(3))
    ),
    "incoming": lambda connection: anext(connection.incoming()),
    "wait_disconnected": lambda connection: connection.wait_disconnected(),
}
NO_MQTT = b"\x30\xff\xff\xff\xff\xff"
ENDINGS: dict[str, tuple[Callable[[Peer], None], str]] = {
    "closed": (Peer.close, "the broker closed the connection"),
    "reset": (Peer.reset, "Connection reset by peer"),
    "a reason": (
        lambda peer: peer.send(disconnect(0x8B, "back at noon")),
        r"Server shutting down, code 139: back at noon",
    ),
    "not MQTT": (lambda peer: peer.send(NO_MQTT), "something other than MQTT"),
    "an unexpected packet": (lambda peer: peer.send(packet(0xF0)), "a packet of type 15"),
    "a cut packet": (lambda peer: peer.send(packet(0x90, b"\x00")), "an answer without the number"),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("wait", WAITS)
async def test_every_wait_ends_with_the_connection_and_its_reason(wait: str, ending: str) -> None:
    end, reason = ENDINGS[ending]

    async def script(peer: Peer) -> None:
        await peer.accept(properties=b"\x21\x00\x01")  # a receive maximum of 1
        if wait not in ("incoming", "wait_disconnected"):
            await peer.packet()
        end(peer)
        await stay(peer)

    with pytest.raises(BrokerError, match=reason) as caught:
        async with scripted_broker(script) as settings, Connection(settings) as connection:
            await WAITS[wait](connection)
    assert f"broker {settings.host}:{settings.port}: " in str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_connection_that_ends_before_it_is_accepted_has_a_reason(ending: str) -> None:
    end, reason = ENDINGS[ending]

    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        end(peer)
        await stay(peer)

    with pytest.raises(BrokerError, match=reason):
        async with scripted_broker(script) as settings, Connection(settings):
            pass


async def test_a_broker_that_ends_the_connection_before_it_accepts_it_is_quoted() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(disconnect(0x8B, "back at noon"))
        await stay(peer)

    async with scripted_broker(script) as settings:
        with pytest.raises(BrokerError) as caught:
            await Connection(settings).__aenter__()
    assert str(caught.value) == (
        f"broker 127.0.0.1:{settings.port}: the connection is lost, the broker ended it (Server shutting down, "
        "code 139: back at noon); the broker is busy or shutting down: it is tried again"
    )
    assert caught.value.reason_code == 0x8B


async def test_a_second_acceptance_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(connack())
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError, match=r"is lost \(the broker accepted the connection twice\)"):
            await connection.wait_disconnected()


async def test_requests_after_the_end_fail_at_once_with_the_reason() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(disconnect(0x8E))

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError):
            await connection.wait_disconnected()
        for wait in WAITS.values():
            with pytest.raises(BrokerError, match="Session taken over, code 142") as caught:
                await wait(connection)
            assert caught.value.reason_code == 0x8E


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (0x86, r"Bad user name or password, code 134\); check broker.username and broker.password_file"),
        (0x87, r"Not authorized, code 135\); check broker.username and broker.password_file, and the broker's"),
        (0x84, r"Unsupported protocol version, code 132\); set broker.protocol"),
        (0x9C, r"Use another server, code 156\); set broker.host"),
        (0x9A, r"Retain not supported, code 154\); the broker keeps no retained messages"),
        (0x9B, r"QoS not supported, code 155\); the broker does not support QoS 1"),
        (0x8A, r"Banned, code 138\); the broker's operator has banned this client"),
        (0xC3, r"unknown reason, code 195\)$"),
    ],
)
async def test_a_refused_connection_names_the_code_and_a_remedy(code: int, sentence: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(code))

    with pytest.raises(BrokerError, match=r"refuses the connection \(" + sentence) as caught:
        async with scripted_broker(script, protocol="5") as settings, Connection(settings):
            pass
    assert caught.value.reason_code == code


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (1, "Unacceptable protocol version, code 1"),
        (2, "Identifier rejected, code 2"),
        (3, "Server unavailable, code 3"),
        (4, r"Bad user name or password, code 4\); check broker.username and broker.password_file"),
        (5, "Not authorized, code 5"),
        (99, "unknown reason, code 99"),
    ],
)
async def test_a_connection_refused_over_mqtt_3_1_1_names_the_return_code(code: int, sentence: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(code, version_5=False))

    with pytest.raises(BrokerError, match=sentence):
        async with scripted_broker(script, protocol="3.1.1") as settings, Connection(settings):
            pass


async def test_a_port_that_nothing_listens_on_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BrokerError, match=f"broker 127.0.0.1:{port}: Connection refused; check broker.host"):
        async with Connection(BrokerSettings(host="127.0.0.1", port=port)):
            pass


async def test_a_name_that_cannot_be_resolved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(BrokerError, match=r"cannot be resolved: Name or service not known; check broker\.host"):
        async with Connection(BrokerSettings(host="nowhere.invalid")):
            pass


async def test_a_connection_without_an_answer_times_out(let_pass: LetPass) -> None:
    async def silent(peer: Peer) -> None:
        await peer.expect(CONNECT)
        let_pass(30)
        await stay(peer)

    with pytest.raises(BrokerError, match=r"no answer within 30 s; check broker\.host"):
        async with scripted_broker(silent, timeout_seconds=30) as settings, Connection(settings):
            pass


async def test_a_tls_handshake_without_an_answer_times_out(let_pass: LetPass) -> None:
    async def silent(peer: Peer) -> None:
        await peer.reader.read(1)
        let_pass(30)
        await peer.reader.read()

    with pytest.raises(BrokerError, match="no answer within 30 s"):
        async with scripted_broker(silent, timeout_seconds=30, tls=True) as settings, Connection(settings):
            pass


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_checks_the_brokers_certificate(tmp_path: Path, trusted: bool) -> None:  # noqa: FBT001
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    (authority if trusted else other).cert_pem.write_to_path(tmp_path / "ca.pem")
    peers: list[Peer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(Peer(reader, writer))
        await peers[0].accept()
        await peers[0].expect(DISCONNECT)  # over TLS nothing else tells the broker that the client has ended
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    settings = BrokerSettings(host="localhost", port=port, tls=True, ca_file=tmp_path / "ca.pem")
    async with server:
        if trusted:
            async with Connection(settings):
                pass
            await peers[0].writer.wait_closed()
        else:
            with pytest.raises(BrokerError, match=r"not trusted.*; check broker\.ca_file"):
                async with Connection(settings):
                    pass


async def test_the_next_address_is_tried_if_the_first_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def two_addresses(_host: str, port: int, *rest: Any, **options: Any) -> Any:
        (found,) = real("127.0.0.1", port, *rest, **options)
        return [(*found[:4], ("127.0.0.2", port)), found]

    async with scripted_broker(accept_and_stay) as settings:
        monkeypatch.setattr("socket.getaddrinfo", two_addresses)
        async with Connection(settings.model_copy(update={"host": "two.addresses"})):
            pass


async def test_a_granted_subscription_delivers_messages_in_order() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        subscribe = await peer.expect(SUBSCRIBE)
        peer.send(suback(subscribe, 1))
        peer.send(*(publish(b"t", str(number).encode(), number) for number in range(1, 4)))
        for number in range(1, 4):
            assert identifier(await peer.expect(PUBACK)) == number.to_bytes(2)
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await connection.subscribe_confirmed("t")
        messages = connection.incoming()
        assert [(await anext(messages)).payload for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("code", [0x80, 0x87, 0x8F, 0x9E, 0xF1])
async def test_a_refused_subscription_names_topic_and_code(code: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(suback(await peer.expect(SUBSCRIBE), code))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError, match=rf"no subscription to tweets/in \(.*code {code}\)") as caught:
            await connection.subscribe_confirmed("tweets/in")
        assert caught.value.reason_code == code


async def test_a_late_refusal_of_a_subscription_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(suback(await peer.expect(SUBSCRIBE), 0x87))
        await peer.expect(DISCONNECT)
        disconnected.set()

    disconnected = asyncio.Event()
    async with scripted_broker(script) as settings, Connection(settings) as connection:
        connection.subscribe_soon("tweets/in")
        sentence = rf"^broker .*:{settings.port}: no subscription to tweets/in \(Not authorized, code 135\)"
        with pytest.raises(BrokerError, match=sentence):
            await connection.wait_disconnected()
        await disconnected.wait()


async def test_a_connection_that_ends_before_a_late_answer_has_its_own_reason() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.expect(SUBSCRIBE)
        peer.send(disconnect(0x8B))

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        connection.subscribe_soon("tweets/in")
        with pytest.raises(BrokerError, match="Server shutting down, code 139"):
            await connection.wait_disconnected()


async def test_a_request_without_an_answer_times_out(let_pass: LetPass) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        for _ in range(2):
            await peer.packet()
            let_pass(30)
        await stay(peer)

    async with scripted_broker(script, timeout_seconds=30) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError, match="the subscription to t was not answered in 30 s"):
            await connection.subscribe_confirmed("t")
        with pytest.raises(BrokerError, match="the end of the subscription to t was not answered in 30 s"):
            await connection.unsubscribe_confirmed("t")


@PROTOCOLS
async def test_a_subscription_is_ended(protocol: str) -> None:
    ended: list[bytes] = []
    version_5 = protocol == "5"

    async def script(peer: Peer) -> None:
        await peer.accept(version_5=version_5)
        for _ in range(3):
            unsubscribe = await peer.expect(UNSUBSCRIBE)
            ended.append(unsubscribe.raw)
            peer.send(packet(0xB0, identifier(unsubscribe) + (b"\x00\x00" if version_5 else b"")))
        await stay(peer)

    async with scripted_broker(script, protocol=protocol) as settings, Connection(settings) as connection:
        await connection.unsubscribe_confirmed("a")
        await connection.unsubscribed("b")
        connection.unsubscribe_soon("c")
        await until(lambda: len(ended) == 3)
    properties = b"\x00" if version_5 else b""
    assert ended == [
        packet(0xA2, number.to_bytes(2) + properties + b"\x00\x01" + topic)
        for number, topic in enumerate((b"a", b"b", b"c"), 1)
    ]


@pytest.mark.parametrize("code", [*range(0x80, 0xA3), 0xB0, 0xFF])
async def test_every_code_of_a_refused_publication_is_reported_by_its_number(code: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(puback(await peer.expect(PUBLISH), code))
        peer.send(puback(await peer.expect(PUBLISH)))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(PublicationRefusedError, match=rf"no message to t \(.*code {code}\)") as caught:
            await connection.publish_confirmed("t", b"a")
        assert caught.value.reason_code == code
        await connection.publish_confirmed("t", b"b")  # the connection goes on


@PROTOCOLS
async def test_a_message_has_properties_only_over_mqtt_5_and_is_not_retained_unless_it_is_said(protocol: str) -> None:
    version_5 = protocol == "5"
    got: list[Message] = []

    async def script(peer: Peer) -> None:
        await peer.accept(version_5=version_5)
        found = await peer.expect(PUBLISH)
        got.append(read_publish(found, version_5=version_5))
        peer.send(puback(found))
        await stay(peer)

    async with scripted_broker(script, protocol=protocol) as settings, Connection(settings) as connection:
        await connection.publish_confirmed("t", b"a", response_topic="answers", correlation_data=b"7")
    topic, data = ("answers", b"7") if version_5 else (None, None)
    assert got == [
        Message("t", b"a", qos=1, retain=False, packet_id=1, response_topic=topic, correlation_data=data),
    ]


async def test_a_refusal_explains_why_the_broker_closed_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(puback(await peer.expect(PUBLISH), 0x87))

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(PublicationRefusedError):
            await connection.publish_confirmed("t", b"a")
        with pytest.raises(PublicationRefusedError, match="Not authorized"):
            await connection.wait_disconnected()


async def test_a_packet_identifier_in_flight_is_not_used_again() -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        unanswered = await peer.expect(PUBLISH)
        seen.append(unanswered.raw[5:7])
        for _ in range(2):
            following = await peer.expect(PUBLISH)
            seen.append(following.raw[5:7])
            peer.send(puback(following))
        peer.send(puback(unanswered))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        first = asyncio.ensure_future(connection.publish_confirmed("t", b"a"))
        await until(lambda: seen)
        connection.link.last_packet_id = 65_534
        await connection.publish_confirmed("t", b"b")
        await connection.publish_confirmed("t", b"c")
        await first
    assert [int.from_bytes(packet_id) for packet_id in seen] == [1, 65_535, 2]


async def test_a_slow_broker_delays_publishers_and_little_is_buffered() -> None:
    reading = asyncio.Event()
    message = b"x" * 50_000

    async def script(peer: Peer) -> None:
        await peer.accept()
        await reading.wait()
        while found := await peer.packet():
            if found.raw[0] & 0xF0 == PUBLISH:
                peer.send(puback(found))

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        confirmed = [asyncio.ensure_future(connection.publish_confirmed("t", message)) for _ in range(500)]
        transport = connection.link.stream.transport
        assert transport
        await until(lambda: transport.get_write_buffer_size() > 0)
        await asyncio.sleep(0)
        assert transport.get_write_buffer_size() < 20 * len(message)
        reading.set()
        await asyncio.gather(*confirmed)


async def test_while_paused_messages_stay_in_the_network_and_none_is_lost() -> None:
    sent = asyncio.Event()
    count = 400

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(*(publish(b"t", b"%d " % number + b"x" * 20_000, number) for number in range(1, count + 1)))
        sent.set()
        await stay(peer)

    delivered: list[Message] = []
    async with scripted_broker(script) as settings:
        connection = Connection(settings)

        def take(message: Message) -> None:
            delivered.append(message)
            if len(delivered) == 3:
                connection.pause()

        connection.deliver_to(take)
        async with connection:
            await sent.wait()
            await until(lambda: len(delivered) >= 3)
            assert len(delivered) == 3
            assert connection.link.stream.received.buffered_bytes < 200_000
            connection.resume()
            await until(lambda: len(delivered) == count)
    assert [message.packet_id for message in delivered] == list(range(1, count + 1))


async def test_messages_that_are_not_taken_stay_in_the_network() -> None:
    count = 3000

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(*(publish(b"t", b"%d" % number, number) for number in range(1, count + 1)))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await until(lambda: connection.link.stream.paused)
        assert len(connection.queued) == 1024
        messages = connection.incoming()
        assert [(await anext(messages)).packet_id for _ in range(count)] == list(range(1, count + 1))


async def test_an_error_in_the_message_callback_ends_the_connection_and_is_raised() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(publish(b"t", b"a"))
        await stay(peer)

    def broken(_: Message) -> None:
        raise ZeroDivisionError

    async with scripted_broker(script) as settings:
        connection = Connection(settings)
        connection.deliver_to(broken)
        async with connection:
            with pytest.raises(ZeroDivisionError):
                await connection.wait_disconnected()


async def test_a_malformed_packet_is_answered_with_its_reason() -> None:
    answers: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(packet(0x32, b"\x00"))
        while found := await peer.packet():
            answers.append(found.raw)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError):
            await connection.wait_disconnected()
    assert answers == [b"\xe0\x01\x81"]


@PROTOCOLS
async def test_the_disconnect_packet_is_the_last_packet(protocol: str) -> None:
    kinds: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept(version_5=protocol == "5")
        peer.send(publish(b"t", b"a", version_5=protocol == "5"))
        while found := await peer.packet():
            kinds.append(found.raw[0] & 0xF0)

    taken: list[Message] = []
    async with scripted_broker(script, protocol=protocol) as settings:
        connection = Connection(settings)
        connection.deliver_to(taken.append)
        async with connection:
            await until(lambda: taken)
            connection.acknowledge(taken[0])
    assert kinds == [PUBACK, DISCONNECT]


async def test_the_last_packets_arrive_although_received_data_is_unread() -> None:
    kinds: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(publish(b"t", b"a"), publish(b"t", b"x" * 500_000, 2))
        await asyncio.sleep(0)
        while found := await peer.packet():
            kinds.append(found.raw[0] & 0xF0)

    taken: list[Message] = []
    async with scripted_broker(script) as settings:
        connection = Connection(settings)

        def take(message: Message) -> None:
            taken.append(message)
            connection.pause()

        connection.deliver_to(take)
        async with connection:
            await until(lambda: taken)
            for number in range(1, 3):
                connection.acknowledge(taken[0]._replace(packet_id=number))
    assert kinds == [PUBACK, PUBACK, DISCONNECT]


async def test_closing_does_not_wait_long_for_the_broker_to_disconnect(let_pass: LetPass) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        await peer.expect(DISCONNECT)
        let_pass(2)
        await closed.wait()

    async with scripted_broker(script) as settings:
        async with Connection(settings):
            pass
        closed.set()


async def test_closing_after_an_error_does_not_wait_for_the_broker() -> None:
    left: list[bytes] = []
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept()
        while found := await peer.packet():
            left.append(found.raw)
        await closed.wait()

    async with scripted_broker(script) as settings:
        with pytest.raises(ZeroDivisionError):
            async with Connection(settings):
                raise ZeroDivisionError
        closed.set()
    assert left == [b"\xe0\x00"]


async def test_a_broker_that_refuses_the_connection_receives_nothing_more() -> None:
    left: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(0x87))
        left.append(await peer.reader.read())

    async with scripted_broker(script) as settings:
        with pytest.raises(BrokerError, match="Not authorized"):
            await Connection(settings).__aenter__()
    assert left == [b""]


async def test_before_it_is_entered_a_connection_is_not_connected() -> None:
    connection = Connection(BrokerSettings(host="127.0.0.1", port=1))
    assert not connection.connected
    assert not connection.session_present
    with pytest.raises(BrokerError, match="not connected"):
        await connection.publish_confirmed("t", b"a")


async def test_after_a_failed_attempt_a_connection_is_closed() -> None:
    connection = Connection(BrokerSettings(host="127.0.0.1", port=1))
    with pytest.raises(BrokerError, match="Connection refused"):
        await connection.__aenter__()
    await connection.wait_disconnected()
    with pytest.raises(BrokerError, match="the connection was closed"):
        await connection.publish_confirmed("t", b"a")


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
async def test_closing_ends_the_waits_of_other_tasks(error: Exception | None) -> None:
    async with scripted_broker(accept_and_stay) as settings:
        with suppress(ZeroDivisionError):
            async with Connection(settings) as connection:
                publishing = asyncio.ensure_future(connection.publish_confirmed("t", b"a"))
                await asyncio.sleep(0)
                if error:
                    raise error
        with pytest.raises(BrokerError, match="the connection was closed"):
            await publishing
        await connection.wait_disconnected()


@pytest.mark.parametrize(("properties", "own_seconds", "seconds"), [(b"\x13\x00\x01", 3600, 1), (b"", 60, 60)])
async def test_a_silent_connection_is_kept_alive_at_the_brokers_interval_or_else_at_its_own(
    let_pass: LetPass, properties: bytes, own_seconds: int, seconds: int
) -> None:
    pings = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.accept(properties=properties)
        await peer.expect(PINGREQ)
        pings.set()
        await stay(peer)

    async with scripted_broker(script, keepalive_seconds=own_seconds) as settings, Connection(settings):
        let_pass(seconds)
        await pings.wait()


async def test_a_broker_that_wants_no_keepalive_gets_no_ping() -> None:
    kinds: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept(properties=b"\x13\x00\x00")
        peer.send(publish(b"t", b"a"))
        while found := await peer.packet():
            kinds.append(found.raw[0] & 0xF0)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await anext(connection.incoming())
    assert kinds == [PUBACK, DISCONNECT]


async def test_a_broker_that_does_not_answer_a_ping_ends_the_connection(let_pass: LetPass) -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(properties=b"\x13\x00\x01")
        await peer.expect(PINGREQ)
        let_pass(1)
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        let_pass(1)
        with pytest.raises(BrokerError, match=r"is lost \(the broker has not answered within the keepalive\)"):
            await connection.wait_disconnected()


async def published_under(properties: bytes, *, retain: bool = False, payload: bytes = b"label") -> list[bytes]:
    """Publish a message to a broker that states these limits, and return the packets that it received."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept(properties=properties)
        while found := await peer.packet():
            if found.raw[0] & 0xF0 == PUBLISH:
                got.append(found.raw)
                if found.raw[0] & 0x06:
                    peer.send(puback(found))

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await connection.publish_confirmed("t", payload, retain=retain)
    return got


async def test_a_message_larger_than_the_broker_accepts_is_not_sent() -> None:
    limit = b"\x27" + (100).to_bytes(4)
    fitting = b"x" * (100 - 2 - 3 - 2 - 1)
    (sent,) = await published_under(limit, payload=fitting)
    assert len(sent) == 100
    with pytest.raises(PublicationRefusedError, match=r"^broker .*: no message to t \(Packet too large, code 149\)"):
        await published_under(limit, payload=fitting + b"x")


async def test_a_broker_without_retained_messages_receives_none() -> None:
    assert (await published_under(b"\x25\x00", retain=True))[0][0] == PUBLISH | 2
    assert (await published_under(b"", retain=True))[0][0] == PUBLISH | 2 | 1


async def test_a_broker_with_only_qos_0_receives_messages_at_qos_0() -> None:
    assert await published_under(b"\x24\x00") == [packet(PUBLISH, b"\x00\x01t\x00label")]


NO_SHARING, NO_WILDCARDS = b"\x2a\x00", b"\x28\x00"


@pytest.mark.parametrize(
    ("properties", "topic", "reason"),
    [
        (NO_SHARING, "$share/a/tweets/in", "Shared subscriptions not supported, code 158"),
        (NO_WILDCARDS, "tweets/#", "Wildcard subscriptions not supported, code 162"),
        (NO_WILDCARDS, "tweets/+/in", "Wildcard subscriptions not supported, code 162"),
        (NO_WILDCARDS, "$share/a/+/in", "Wildcard subscriptions not supported, code 162"),
    ],
)
async def test_an_unsupported_subscription_is_not_requested(properties: bytes, topic: str, reason: str) -> None:
    kinds: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept(properties=properties)
        while found := await peer.packet():
            kinds.append(found.raw[0] & 0xF0)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        with pytest.raises(BrokerError) as caught:
            await connection.subscribe_confirmed(topic)
    assert f"broker 127.0.0.1:{settings.port}: no subscription to {topic} ({reason})" in str(caught.value)
    assert kinds == [DISCONNECT]


@pytest.mark.parametrize(
    ("properties", "topic"), [(NO_SHARING, "tweets/#"), (NO_WILDCARDS, "$share/a/tweets/in"), (b"", "$share/a/+/#")]
)
async def test_a_supported_subscription_is_requested(properties: bytes, topic: str) -> None:
    requested: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.accept(properties=properties)
        subscribe = await peer.expect(SUBSCRIBE)
        requested.append(subscribe.raw)
        peer.send(suback(subscribe, 1))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await connection.subscribe_confirmed(topic)
    assert requested == [packet(0x82, b"\x00\x01\x00" + len(topic).to_bytes(2) + topic.encode() + b"\x11")]


@pytest.mark.parametrize("code", [0x9A, 0x9B])
async def test_a_refused_will_is_requested_in_a_simpler_form(code: int) -> None:
    flags: list[int] = []

    async def script(peer: Peer) -> None:
        connect = await peer.expect(CONNECT)
        flags.append(connect.raw[connect.body + 7])
        peer.send(connack(code if len(flags) == 1 else 0))
        await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings, will=Will("t", b"offline", retain=True)):
        pass
    assert [flag & 0x3C for flag in flags] == [0x2C, 0x04]


def recording(levels: list[int], answer: Callable[[Peer, int], None]) -> Callable[[Peer], Awaitable[None]]:
    """Return a script that records the protocol level of each connection and answers it."""

    async def script(peer: Peer) -> None:
        connect = await peer.expect(CONNECT)
        level = connect.raw[connect.body + 6]
        levels.append(level)
        answer(peer, level)
        await stay(peer)

    return script


REFUSALS_OF_5: dict[str, Callable[[Peer], None]] = {
    "code": lambda peer: peer.send(connack(0x84)),
    "return code of 3.1.1": lambda peer: peer.send(connack(1, version_5=False)),
    "closed": Peer.close,
    "reset": Peer.reset,
    "not MQTT": lambda peer: peer.send(NO_MQTT),
}


@pytest.mark.parametrize("refusal", REFUSALS_OF_5)
async def test_if_a_broker_refuses_mqtt_5_the_older_version_is_tried(refusal: str) -> None:
    levels: list[int] = []

    def answer(peer: Peer, level: int) -> None:
        if level == 5:
            REFUSALS_OF_5[refusal](peer)
        else:
            peer.send(connack(version_5=False))

    async with scripted_broker(recording(levels, answer)) as settings, Connection(settings) as connection:
        assert connection.protocol == "3.1.1"
    assert levels == [5, 4]


async def test_a_version_that_was_refused_is_not_tried_first_again() -> None:
    levels: list[int] = []

    def answer(peer: Peer, level: int) -> None:
        peer.send(connack(0x84) if level == 5 else connack(version_5=False))

    async with scripted_broker(recording(levels, answer)) as settings:
        versions = Versions(settings)
        for _ in range(2):
            async with Connection(settings, versions=versions):
                pass
    assert levels == [5, 4, 4]


async def test_if_a_broker_does_not_answer_mqtt_5_the_older_version_is_tried_and_remembered(let_pass: LetPass) -> None:
    levels: list[int] = []

    def answer(peer: Peer, level: int) -> None:
        if level == 4:
            peer.send(connack(version_5=False))
        else:
            let_pass(30)

    async with scripted_broker(recording(levels, answer), timeout_seconds=30) as settings:
        versions = Versions(settings)
        for _ in range(2):
            async with Connection(settings, versions=versions) as connection:
                assert connection.protocol == "3.1.1"
    assert levels == [5, 4, 4]


async def test_after_mqtt_5_has_worked_a_silent_broker_is_not_tried_with_the_older_version(let_pass: LetPass) -> None:
    levels: list[int] = []

    def answer(peer: Peer, _: int) -> None:
        if len(levels) == 1:
            peer.send(connack())
        else:
            let_pass(30)

    async with scripted_broker(recording(levels, answer), timeout_seconds=30) as settings:
        versions = Versions(settings)
        async with Connection(settings, versions=versions):
            pass
        with pytest.raises(BrokerError, match="no answer"):
            async with Connection(settings, versions=versions):
                pass
    assert levels == [5, 5]


async def test_after_mqtt_5_has_worked_a_broker_that_disconnects_is_not_tried_with_the_older_version() -> None:
    levels: list[int] = []

    def answer(peer: Peer, _: int) -> None:
        if len(levels) == 1:
            peer.send(connack())
        else:
            peer.close()

    async with scripted_broker(recording(levels, answer)) as settings:
        versions = Versions(settings)
        async with Connection(settings, versions=versions):
            pass
        with pytest.raises(BrokerError, match="closed the connection"):
            async with Connection(settings, versions=versions):
                pass
    assert levels == [5, 5]


@pytest.mark.parametrize("code", [0x86, 0x87, 0x88])
async def test_a_refusal_for_another_reason_is_not_followed_by_the_older_version(code: int) -> None:
    levels: list[int] = []
    async with scripted_broker(recording(levels, lambda peer, _: peer.send(connack(code)))) as settings:
        with pytest.raises(BrokerError):
            await Connection(settings).__aenter__()
    assert levels == [5]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_only_the_version_in_the_settings_is_tried(protocol: str) -> None:
    levels: list[int] = []
    async with scripted_broker(recording(levels, lambda peer, _: peer.close()), protocol=protocol) as settings:
        with pytest.raises(BrokerError):
            await Connection(settings).__aenter__()
    assert levels == [5 if protocol == "5" else 4]


async def test_messages_can_be_iterated_over_after_the_older_version_was_tried() -> None:
    async def script(peer: Peer) -> None:
        connect = await peer.expect(CONNECT)
        if connect.raw[connect.body + 6] == 4:
            peer.send(connack(version_5=False), publish(b"t", b"a", version_5=False))
            await stay(peer)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        assert (await anext(connection.incoming())).payload == b"a"


async def test_data_in_the_network_is_delivered_before_the_connection_closes() -> None:
    accepted, closing = asyncio.Event(), asyncio.Event()
    kinds: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        transport: Any = peer.writer.transport
        transport.pause_reading()
        accepted.set()
        await closing.wait()
        transport.resume_reading()
        while found := await peer.packet():
            kinds.append(found.raw[0] & 0xF0)

    async with scripted_broker(script) as settings, Connection(settings) as connection:
        await accepted.wait()
        for number in range(1, 101):
            connection.link.send(publish_packet(b"t", b"x" * 100_000, number, properties=b"\0"))
        transport = connection.link.stream.transport
        assert transport
        assert transport.get_write_buffer_size() > 0
        asyncio.get_running_loop().call_soon(closing.set)
    assert kinds == [PUBLISH] * 100 + [DISCONNECT]
