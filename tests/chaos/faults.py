"""The faults: each a function that strikes while tweets come in, and leaves everything running."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.books import Books
from tests.chaos.relay import Packet
from tests.chaos.rig import Rig
from tests.integration.program import metric

Strike = Callable[[Rig], Awaitable[None]]

_MQTT_5 = ("5",)
_BOTH = ("5", "3.1.1")
"""Where MQTT 5 helps, with a receive maximum and a session expiry of the client's own: 3.1.1 has neither."""
_NEVER = ()
_CUTS = 10
_STORM_ENDS_AT = 0.4
_STALL_SECONDS = 1.0
_SLOW_BYTES_PER_SECOND = 20_000
_SOME = 20


def fill(file: Path) -> None:
    """Write a file until the disk is full."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


@dataclass(frozen=True)
class Fault:
    """A fault, and the rig that it needs.

    Attributes:
        name: What the table calls it.
        strike: What happens.
        short_form: The versions of MQTT with which it strikes in the test-suite; in `make chaos` it does with both.
        padding_bytes: What each tweet carries along that is not text.
        disk_bytes: The size of the broker's disk, where it is to be small.
    """

    name: str
    strike: Strike
    short_form: tuple[str, ...] = _MQTT_5
    padding_bytes: int = 0
    disk_bytes: int | None = None


async def killed_just_connected(rig: Rig) -> None:
    await rig.done(0.1)
    await rig.kill_node()
    for sign in (Packet.SUBSCRIPTION, Packet.TWEET):
        await rig.node.start()
        await rig.relay.until(sign)
        await rig.kill_node()
    await rig.start_node()


async def killed_with_a_full_window(rig: Rig) -> None:
    rig.relay.hold(Packet.CONFIRMATION)
    await rig.holding(rig.window)
    await rig.kill_node()
    rig.relay.release(Packet.CONFIRMATION)
    await rig.start_node()


async def killed_between_label_and_acknowledgement(rig: Rig) -> None:
    rig.relay.hold(Packet.ACKNOWLEDGEMENT)
    await rig.more_done(_SOME)
    await rig.kill_node()
    rig.relay.release(Packet.ACKNOWLEDGEMENT)
    await rig.start_node()


async def killed_while_draining(rig: Rig) -> None:
    rig.relay.hold(Packet.CONFIRMATION)
    await rig.holding(_SOME)
    rig.node.tell_to_stop()
    await rig.node.draining()
    await rig.kill_node()
    rig.relay.release(Packet.CONFIRMATION)
    await rig.start_node()


async def told_to_stop(rig: Rig) -> None:
    """What it holds it finishes, so nothing comes twice."""
    for share in (0.1, 0.3, 0.5):
        await rig.done(share)
        await rig.stop_node()
        await rig.start_node()


async def broker_restarted(rig: Rig) -> None:
    await rig.all_published()
    await rig.done(0.3)
    await asyncio.to_thread(rig.broker.stop)
    rig.fault_lifted()
    await asyncio.to_thread(rig.broker.start)


async def broker_killed(rig: Rig) -> None:
    await rig.all_published()
    await rig.done(0.3)
    async with rig.saved():
        await asyncio.to_thread(rig.broker.stop, signal.SIGKILL)
    rig.fault_lifted()
    await asyncio.to_thread(rig.broker.start)


async def both_killed(rig: Rig) -> None:
    await rig.all_published()
    await rig.done(0.3)
    async with rig.saved():
        await asyncio.gather(asyncio.to_thread(rig.broker.stop, signal.SIGKILL), rig.kill_node())
    await asyncio.to_thread(rig.broker.start)
    await rig.start_node()


async def connections_cut(rig: Rig) -> None:
    for _ in range(_CUTS):
        await rig.more_done(rig.dice.randrange(len(rig.ids) // (2 * _CUTS)))
        rig.dice.choice([rig.relay.cut, rig.relay.cut_one])()
        rig.fault_lifted()


async def connections_cut_within_a_packet(rig: Rig) -> None:
    for packet in (Packet.TWEET, Packet.LABEL, Packet.CONFIRMATION, Packet.ACKNOWLEDGEMENT):
        await rig.relay.tear(packet)
        rig.fault_lifted()
        await rig.more_done(rig.dice.randrange(len(rig.ids) // 8))


async def network_stalled_for_a_moment(rig: Rig) -> None:
    for share in (0.1, 0.3):
        await rig.done(share)
        rig.relay.stall()
        await asyncio.sleep(_STALL_SECONDS)
        rig.fault_lifted()
        rig.relay.flow()


async def network_parted_for_longer_than_the_keepalive(rig: Rig) -> None:
    await rig.done(0.3)
    rig.relay.stall()
    await rig.broker.until_logged("has exceeded timeout")
    await rig.disconnected()
    rig.fault_lifted()
    rig.relay.flow()


async def network_slow(rig: Rig) -> None:
    rig.relay.slow(_SLOW_BYTES_PER_SECOND)
    await rig.more_done(100)
    rig.fault_lifted()
    rig.relay.flow()


async def brokers_disk_full(rig: Rig) -> None:
    """The broker cannot save, and goes on from memory; once there is room it saves, and then it may even be killed."""
    filler = rig.disk / "filler"
    fill(filler)
    await rig.all_published()
    rig.broker.ask_to_save()
    await rig.broker.until_logged("No space left on device")
    await rig.done(0.3)
    filler.unlink()
    async with rig.saved():
        await asyncio.to_thread(rig.broker.stop, signal.SIGKILL)
    rig.fault_lifted()
    await asyncio.to_thread(rig.broker.start)


async def slow_subscriber(rig: Rig) -> None:
    """Another subscriber takes the labels only when all are there, and gets them all."""
    slow = Books(rig.settings, "slow-subscriber")
    async with slow.open():
        slow.pause()
        await rig.finished()
        slow.resume()
        await slow.until(lambda: not slow.lost(rig.ids))
    assert not slow.repeated(rig.ids)


async def label_out_and_acknowledgement_lost(rig: Rig) -> None:
    """The broker sends again what has its label: it is recognised, and not classified twice."""
    rig.relay.hold(Packet.ACKNOWLEDGEMENT)
    await rig.more_done(_SOME)
    rig.relay.cut()
    rig.fault_lifted()
    rig.relay.release(Packet.ACKNOWLEDGEMENT)
    await rig.finished()
    metrics = await rig.node.metrics()
    labelled_again = sum(count > 1 for count in rig.books.labels.values())
    assert metric(metrics, "starling_tweets_redelivered_total") >= labelled_again > 0
    assert metric(metrics, "starling_tweets_classified_total") == len(rig.books.labels)


async def nothing_confirmed_while_large_tweets_come(rig: Rig) -> None:
    """The node takes its window and no more; the rest stays in the broker."""
    rig.relay.hold(Packet.CONFIRMATION)
    await rig.holding(rig.window)
    rig.fault_lifted()
    rig.relay.release(Packet.CONFIRMATION)


async def storm(rig: Rig) -> None:
    """Whatever may strike again and again, in the order in which the dice fall."""
    strikes: list[Strike] = [
        killed_just_connected,
        killed_with_a_full_window,
        killed_between_label_and_acknowledgement,
        killed_while_draining,
        broker_restarted,
        broker_killed,
        both_killed,
        connections_cut_within_a_packet,
        network_stalled_for_a_moment,
        network_slow,
    ]
    await rig.all_published()
    while len(rig.books.lost(rig.ids)) > _STORM_ENDS_AT * len(rig.ids):
        await rig.more_done(rig.window + rig.dice.randrange(rig.window))  # the last fault is over then
        await rig.dice.choice(strikes)(rig)


FAULTS = [
    Fault("node killed, just connected", killed_just_connected),
    Fault("node killed, holding a full window", killed_with_a_full_window, _BOTH),
    Fault("node killed, between label and acknowledgement", killed_between_label_and_acknowledgement),
    Fault("node killed, while draining", killed_while_draining),
    Fault("node told to stop, 3 times", told_to_stop),
    Fault("broker restarted", broker_restarted),
    Fault("broker killed, saved before", broker_killed),
    Fault("node and broker killed, saved before", both_killed, _BOTH),
    Fault("broker's disk full", brokers_disk_full, disk_bytes=4 << 20),
    Fault("connections cut, 10 times", connections_cut),
    Fault("connections cut within a packet, 4 kinds", connections_cut_within_a_packet, _BOTH),
    Fault("label out, acknowledgement lost", label_out_and_acknowledgement_lost, _BOTH),
    Fault("network stalled for a second, twice", network_stalled_for_a_moment),
    Fault("network parted for longer than the keepalive", network_parted_for_longer_than_the_keepalive, _NEVER),
    Fault("network slow", network_slow),
    Fault("slow subscriber", slow_subscriber),
    Fault("nothing confirmed, tweets of 50 kB", nothing_confirmed_while_large_tweets_come, _BOTH, padding_bytes=50_000),
    Fault("storm", storm, _NEVER),
]
