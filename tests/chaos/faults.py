"""The faults: functions that disturb a trial while tweets arrive, and leave all programs running."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.environment import Environment
from tests.chaos.relay import Packet
from tests.chaos.result_counter import ResultCounter
from tests.integration.program import metric

Injection = Callable[[Environment], Awaitable[None]]

_MQTT_5 = ("5",)
_BOTH = ("5", "3.1.1")
"""Faults whose outcome depends on the receive maximum and the session expiry, which only MQTT 5 has."""
_NEVER = ()
_CUT_COUNT = 10
_STORM_ENDS_AT = 0.4
_STALL_SECONDS = 1.0
_SLOW_BYTES_PER_SECOND = 20_000
_SOME_TWEETS = 20


def fill(file: Path) -> None:
    """Write a file until the disk is full."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


@dataclass(frozen=True)
class Fault:
    """A fault and the environment that it needs.

    Attributes:
        name: Name in the table.
        inject: Function that causes the fault.
        short_form: Versions of MQTT with which the test suite runs it; `make chaos` runs it with both.
        padding_bytes: Size of an additional field of each tweet.
        disk_bytes: Size of the broker's disk; None: not limited.
    """

    name: str
    inject: Injection
    short_form: tuple[str, ...] = _MQTT_5
    padding_bytes: int = 0
    disk_bytes: int | None = None


async def killed_just_connected(environment: Environment) -> None:
    await environment.done(0.1)
    await environment.kill_node()
    for sign in (Packet.SUBSCRIPTION, Packet.TWEET):
        await environment.node.start()
        await environment.relay.until(sign)
        await environment.kill_node()
    await environment.start_node()


async def killed_with_a_full_window(environment: Environment) -> None:
    environment.relay.hold(Packet.CONFIRMATION)
    await environment.holding(environment.window)
    await environment.kill_node()
    environment.relay.release(Packet.CONFIRMATION)
    await environment.start_node()


async def killed_between_label_and_acknowledgement(environment: Environment) -> None:
    environment.relay.hold(Packet.ACKNOWLEDGEMENT)
    await environment.more_done(_SOME_TWEETS)
    await environment.kill_node()
    environment.relay.release(Packet.ACKNOWLEDGEMENT)
    await environment.start_node()


async def killed_while_draining(environment: Environment) -> None:
    environment.relay.hold(Packet.CONFIRMATION)
    await environment.holding(_SOME_TWEETS)
    environment.node.tell_to_stop()
    await environment.node.draining()
    await environment.kill_node()
    environment.relay.release(Packet.CONFIRMATION)
    await environment.start_node()


async def told_to_stop(environment: Environment) -> None:
    """Stop the node three times; it finishes the tweets that it holds, so no result is repeated."""
    for share in (0.1, 0.3, 0.5):
        await environment.done(share)
        await environment.stop_node()
        await environment.start_node()


async def broker_restarted(environment: Environment) -> None:
    await environment.all_published()
    await environment.done(0.3)
    await asyncio.to_thread(environment.broker.stop)
    environment.fault_ended()
    await asyncio.to_thread(environment.broker.start)


async def broker_killed(environment: Environment) -> None:
    await environment.all_published()
    await environment.done(0.3)
    async with environment.saved():
        await asyncio.to_thread(environment.broker.stop, signal.SIGKILL)
    environment.fault_ended()
    await asyncio.to_thread(environment.broker.start)


async def both_killed(environment: Environment) -> None:
    await environment.all_published()
    await environment.done(0.3)
    async with environment.saved():
        await asyncio.gather(asyncio.to_thread(environment.broker.stop, signal.SIGKILL), environment.kill_node())
    await asyncio.to_thread(environment.broker.start)
    await environment.start_node()


async def connections_cut(environment: Environment) -> None:
    for _ in range(_CUT_COUNT):
        await environment.more_done(environment.random_generator.randrange(len(environment.ids) // (2 * _CUT_COUNT)))
        environment.random_generator.choice([environment.relay.cut, environment.relay.cut_one])()
        environment.fault_ended()


async def connections_cut_within_a_packet(environment: Environment) -> None:
    for packet in (Packet.TWEET, Packet.LABEL, Packet.CONFIRMATION, Packet.ACKNOWLEDGEMENT):
        await environment.relay.cut_within(packet)
        environment.fault_ended()
        await environment.more_done(environment.random_generator.randrange(len(environment.ids) // 8))


async def network_stalled_for_a_moment(environment: Environment) -> None:
    for share in (0.1, 0.3):
        await environment.done(share)
        environment.relay.stall()
        await asyncio.sleep(_STALL_SECONDS)
        environment.fault_ended()
        environment.relay.flow()


async def network_parted_for_longer_than_the_keepalive(environment: Environment) -> None:
    await environment.done(0.3)
    environment.relay.stall()
    await environment.broker.until_logged("has exceeded timeout")
    await environment.disconnected()
    environment.fault_ended()
    environment.relay.flow()


async def network_slow(environment: Environment) -> None:
    environment.relay.slow(_SLOW_BYTES_PER_SECOND)
    await environment.more_done(100)
    environment.fault_ended()
    environment.relay.flow()


async def brokers_disk_full(environment: Environment) -> None:
    """Fill the disk: the broker continues from memory. With space again it saves, and is then killed."""
    filler = environment.disk / "filler"
    fill(filler)
    await environment.all_published()
    environment.broker.ask_to_save()
    await environment.broker.until_logged("No space left on device")
    await environment.done(0.3)
    filler.unlink()
    async with environment.saved():
        await asyncio.to_thread(environment.broker.stop, signal.SIGKILL)
    environment.fault_ended()
    await asyncio.to_thread(environment.broker.start)


async def slow_subscriber(environment: Environment) -> None:
    """Read the labels with a second subscriber only after all are published; it receives all of them."""
    slow = ResultCounter(environment.settings, "slow-subscriber")
    async with slow.open():
        slow.pause()
        await environment.finished()
        slow.resume()
        await slow.until(lambda: not slow.lost(environment.ids))
    assert not slow.repeated(environment.ids)


async def label_out_and_acknowledgement_lost(environment: Environment) -> None:
    """Lose acknowledgements: the broker redelivers labelled tweets, and the node does not classify them again."""
    environment.relay.hold(Packet.ACKNOWLEDGEMENT)
    await environment.more_done(_SOME_TWEETS)
    environment.relay.cut()
    environment.fault_ended()
    environment.relay.release(Packet.ACKNOWLEDGEMENT)
    await environment.finished()
    metrics = await environment.node.metrics()
    labelled_again = sum(count > 1 for count in environment.counter.labels.values())
    assert metric(metrics, "starling_tweets_redelivered_total") >= labelled_again > 0
    assert metric(metrics, "starling_tweets_classified_total") == len(environment.counter.labels)


async def nothing_confirmed_while_large_tweets_come(environment: Environment) -> None:
    """Withhold confirmations: the node takes no more tweets than its window; the others stay in the broker."""
    environment.relay.hold(Packet.CONFIRMATION)
    await environment.holding(environment.window)
    environment.fault_ended()
    environment.relay.release(Packet.CONFIRMATION)


async def storm(environment: Environment) -> None:
    """Inject faults that can be repeated, in random order."""
    injections: list[Injection] = [
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
    await environment.all_published()
    while len(environment.counter.lost(environment.ids)) > _STORM_ENDS_AT * len(environment.ids):
        more = environment.window + environment.random_generator.randrange(environment.window)
        await environment.more_done(more)  # the fault before is over by then
        await environment.random_generator.choice(injections)(environment)


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
