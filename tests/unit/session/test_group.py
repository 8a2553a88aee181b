"""Decisions of a node to leave its group and to return; groups are also tested with a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session import group as group_module
from stream.session.connections import Connections
from stream.session.delivery import Deliveries
from stream.session.group import GroupMember, SoleSubscriber, membership
from stream.session.topics import OFFLINE, ONLINE
from stream.settings import Settings, load_settings
from stream.telemetry.metrics import Metrics
from tests.unit.waiting import until

SHARED = "$share/kitchen/tweets/in"
KEEPING_UP = b'{"group":"kitchen","state":"keeping_up"}'


class FakeConnection(Connection):
    """A connection that accepts and records everything."""

    def __init__(self) -> None:
        self.kept = False
        self.confirmed: set[str] = set()
        self.subscriptions: set[str] = set()
        self.ended: list[str] = []
        self.acknowledged: list[Message] = []
        self.said: list[bytes] = []
        self.hear: Callable[[Message], None] = lambda _: None

    @property
    def session_present(self) -> bool:
        return self.kept

    def deliver_to(self, deliver: Callable[[Message], None]) -> None:
        self.hear = deliver

    def acknowledge(self, message: Message) -> None:
        self.acknowledged.append(message)

    async def subscribe_confirmed(self, topic: str) -> None:
        self.confirmed.add(topic)
        self.subscriptions.add(topic)

    def subscribe_soon(self, topic: str) -> None:
        self.subscriptions.add(topic)

    def unsubscribe_soon(self, topic: str) -> None:
        self.ended.append(topic)
        self.subscriptions.discard(topic)

    async def unsubscribe_confirmed(self, topic: str) -> None:
        self.ended.append(topic)
        self.subscriptions.discard(topic)

    async def publish_confirmed(self, topic: str, payload: bytes | str, *, retain: bool = False, **_: Any) -> None:
        assert (topic, retain) == ("starling/pi-1/group", True)
        self.said.append(bytes(payload, "utf-8") if isinstance(payload, str) else payload)


class FakeDeliveries:
    """A window whose fill level the test sets."""

    fill = 0.0

    async def idle(self) -> None:
        self.fill = 0.0


class Group:
    """A node's membership in a group, with fake connections and a fake window."""

    def __init__(self, **broker: Any) -> None:
        self.intake, self.outlet, self.window = FakeConnection(), FakeConnection(), FakeDeliveries()
        self.metrics = Metrics()
        self.place = membership(
            settings_of(**broker), Connections(self.intake, self.outlet), cast("Deliveries", self.window), self.metrics
        )

    def hear(self, topic: str, payload: bytes | str) -> None:
        self.outlet.hear(Message(topic, payload.encode() if isinstance(payload, str) else payload))

    def another(self, node: str = "pi-2", payload: bytes = KEEPING_UP) -> None:
        """Receive the online status and the state of another node."""
        self.hear(f"starling/{node}/status", ONLINE)
        self.hear(f"starling/{node}/group", payload)

    def states(self) -> list[str]:
        return [orjson.loads(said)["state"] for said in self.outlet.said]

    def is_member(self) -> float | None:
        return self.metrics.registry.get_sample_value("starling_group_member")


def settings_of(**broker: Any) -> Settings:
    return load_settings(overrides={"node": "pi-1", "broker": broker})


@pytest.fixture
async def group(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Group]:
    """A member that has joined and balances its share."""
    monkeypatch.setattr(group_module, "_LOOK_SECONDS", 0.001)
    group = Group(group="kitchen", behind_seconds=0.005)
    await group.place.join()
    fairness = asyncio.create_task(group.place.balance())
    yield group
    fairness.cancel()
    await asyncio.wait([fairness])


async def test_a_node_without_a_group_takes_all_tweets() -> None:
    group = Group()
    await group.place.join()
    assert isinstance(group.place, SoleSubscriber)
    assert group.intake.subscriptions == {"tweets/in"}
    await group.place.leave()
    assert group.intake.subscriptions == {"tweets/in"}


async def test_a_resumed_session_does_not_wait_for_the_answer_behind_its_backlog() -> None:
    group = Group()
    group.intake.kept = True
    await group.place.join()
    assert group.intake.subscriptions == {"tweets/in"}
    assert not group.intake.confirmed


async def test_a_joining_node_subscribes_and_publishes_its_state(group: Group) -> None:
    assert group.intake.subscriptions == {SHARED}
    assert group.outlet.subscriptions == {"starling/+/status", "starling/+/group"}
    assert group.outlet.said == [KEEPING_UP]
    assert group.is_member() == 1


async def test_a_node_that_is_behind_leaves_and_returns_when_it_has_caught_up(
    group: Group,
) -> None:
    group.another()
    group.window.fill = 1.0
    await until(lambda: group.intake.subscriptions == set())
    assert group.is_member() == 0
    assert group.states() == ["keeping_up", "behind"]
    group.window.fill = 0.25
    await until(lambda: group.intake.subscriptions == {SHARED})
    await until(lambda: group.states() == ["keeping_up", "behind", "keeping_up"])
    assert group.is_member() == 1


@pytest.mark.parametrize(
    "others",
    [
        [],
        [("starling/pi-2/group", KEEPING_UP)],
        [("starling/pi-2/status", ONLINE)],
        [("starling/pi-2/status", ONLINE), ("starling/pi-2/group", b'{"group":"kitchen","state":"behind"}')],
        [("starling/pi-2/status", ONLINE), ("starling/pi-2/group", b'{"group":"attic","state":"keeping_up"}')],
        [("starling/pi-2/group", KEEPING_UP), ("starling/pi-2/status", ONLINE), ("starling/pi-2/status", OFFLINE)],
        [("starling/pi-1/status", ONLINE), ("starling/pi-1/group", KEEPING_UP)],
    ],
    ids=["no other node", "never online", "no state", "also behind", "another group", "offline", "the node itself"],
)
async def test_a_node_that_is_behind_stays_if_no_other_node_keeps_up(
    group: Group, others: list[tuple[str, bytes | str]]
) -> None:
    for topic, payload in others:
        group.hear(topic, payload)
    group.window.fill = 1.0
    await until(lambda: len(group.outlet.said) >= 5)
    assert group.intake.subscriptions == {SHARED}
    assert group.states()[:5] == ["keeping_up", "behind", "keeping_up", "behind", "keeping_up"]


async def test_a_node_that_returned_can_fall_behind_again(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    group.another("pi-3")
    group.another("pi-2")
    for _ in range(2):
        group.window.fill = 1.0
        await until(lambda: group.intake.subscriptions == set())
        group.window.fill = 0.0
        await until(lambda: group.intake.subscriptions == {SHARED})
    messages = ["behind: leaving the group to pi-2, pi-3 for a while", "caught up: back in the group"]
    await until(lambda: [record.getMessage() for record in caplog.records] == 2 * messages)


def test_a_node_is_behind_when_its_window_was_full_for_longer_than_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(group="kitchen", behind_seconds=5)
    assert isinstance(group.place, GroupMember)
    for seconds, fill, is_behind in [
        (100.0, 0.5, False),
        (105.0, 0.5, False),
        (105.1, 0.5, True),
        (105.2, 0.49, False),
        (106.0, 1.0, False),
        (111.0, 1.0, False),
        (111.1, 1.0, True),
    ]:
        group.window.fill = fill
        monkeypatch.setattr("time.monotonic", lambda seconds=seconds: seconds)
        assert group.place.is_behind() == is_behind


async def test_messages_of_other_nodes_are_acknowledged(group: Group) -> None:
    group.another()
    assert [message.topic for message in group.outlet.acknowledged] == ["starling/pi-2/status", "starling/pi-2/group"]


async def test_a_stopping_node_unsubscribes_and_finishes_its_tweets(group: Group) -> None:
    group.another()
    group.window.fill = 0.5
    await group.place.leave()
    assert group.window.fill == 0
    assert group.intake.subscriptions == set()
    assert group.intake.ended == [SHARED, SHARED]
    assert group.states() == ["keeping_up", "behind"]
    assert group.is_member() == 0


async def test_the_last_node_of_a_group_stays_subscribed_when_it_stops(group: Group) -> None:
    await group.place.leave()
    assert group.intake.subscriptions == {SHARED}


@given(st.binary(max_size=60) | st.sampled_from([b"[1]", b"null", b'"keeping_up"', b'{"group":"kitchen"}']))
def test_only_a_valid_keeping_up_state_makes_a_node_count(payload: bytes) -> None:
    group = Group(group="kitchen")
    group.another(payload=payload)
    assert isinstance(group.place, GroupMember)
    assert group.place.others() == set()
