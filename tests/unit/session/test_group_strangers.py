"""What a node believes of others, where anybody may have said it."""

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
        member._receive(Message(topic, payload))


def test_a_node_that_keeps_up_is_known(member: GroupMember) -> None:
    say(member, "pi-2")
    assert member._others() == {"pi-2"}


@pytest.mark.parametrize("name", ["", "a b", "pi\n2", "pi\x1b[2J", "\x9b", "a" * 65, "a" * 60_000])
def test_a_name_that_no_node_can_have_is_no_node(member: GroupMember, name: str) -> None:
    say(member, name)
    assert not member._others()


@pytest.mark.parametrize("state", [b"", b"\xff", b"[]", b"null", b"[" * 2000, b'{"group":["kitchen"]}'])
def test_a_word_that_is_none_is_not_believed(member: GroupMember, state: bytes) -> None:
    say(member, "pi-2", state)
    assert not member._others()


def test_a_stranger_who_makes_up_nodes_fills_no_memory_and_drives_none_out(member: GroupMember) -> None:
    say(member, "pi-2")
    for number in range(2000):
        say(member, f"made-up-{number}")
    say(member, "pi-2")
    assert len(member._others()) == 1000
    assert "pi-2" in member._others()
