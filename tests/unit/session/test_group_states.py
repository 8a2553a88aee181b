"""Statuses and states of other nodes, which any client may have published."""

from types import SimpleNamespace
from typing import Any

import pytest

from stream.mqtt.packets import Message
from stream.session.group import GroupMember
from stream.settings import load_settings
from stream.telemetry.metrics import Metrics


@pytest.fixture
def member() -> GroupMember:
    outlet = SimpleNamespace(deliver_to=lambda _: None, acknowledge=lambda _: None)
    session: Any = SimpleNamespace(intake=None, outlet=outlet)
    deliveries: Any = None
    settings = load_settings(overrides={"node": "pi-1", "broker": {"group": "kitchen"}})
    return GroupMember(settings, session, deliveries, Metrics())


def say(member: GroupMember, node: str, state: bytes = b'{"group":"kitchen","state":"keeping_up"}') -> None:
    for topic, payload in ((f"starling/{node}/status", b"online"), (f"starling/{node}/group", state)):
        member.receive(Message(topic, payload))


def test_a_node_that_keeps_up_is_known(member: GroupMember) -> None:
    say(member, "pi-2")
    assert member.others() == {"pi-2"}


@pytest.mark.parametrize("name", ["", "a b", "pi\n2", "pi\x1b[2J", "\x9b", "a" * 65, "a" * 60_000])
def test_an_invalid_node_name_is_ignored(member: GroupMember, name: str) -> None:
    say(member, name)
    assert not member.others()


@pytest.mark.parametrize("state", [b"", b"\xff", b"[]", b"null", b"[" * 2000, b'{"group":["kitchen"]}'])
def test_a_malformed_state_is_ignored(member: GroupMember, state: bytes) -> None:
    say(member, "pi-2", state)
    assert not member.others()


def test_the_number_of_known_nodes_is_limited_and_known_nodes_are_kept(member: GroupMember) -> None:
    say(member, "pi-2")
    for number in range(2000):
        say(member, f"made-up-{number}")
    say(member, "pi-2")
    assert len(member.others()) == 1000
    assert "pi-2" in member.others()
