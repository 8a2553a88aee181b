"""The trace of a tweet in user properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.session.trace_context import trace_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced(parent: str, *states: str) -> tuple[tuple[str, str], ...]:
    return trace_of([("traceparent", parent), *(("tracestate", state) for state in states)])


def test_a_valid_parent_and_state_are_passed_on_unchanged() -> None:
    assert traced(PARENT) == (("traceparent", PARENT),)
    assert traced(PARENT, "rojo=00f067aa,congo=t61 2") == (
        ("traceparent", PARENT),
        ("tracestate", "rojo=00f067aa,congo=t61 2"),
    )


def test_other_properties_are_left_out() -> None:
    assert trace_of([("a", "b"), ("Traceparent", PARENT), ("traceparent", PARENT)]) == (("traceparent", PARENT),)
    assert trace_of([("a", "b")]) == ()


@pytest.mark.parametrize(
    "parent",
    [
        "",
        PARENT[:-1],
        PARENT + "0",
        PARENT + "-more",
        PARENT.upper(),
        PARENT + "\n",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + PARENT[52:],
        PARENT.replace("a", "\u0663"),
        PARENT.replace("-", "_"),
    ],
)
def test_an_invalid_parent_is_ignored_together_with_its_state(parent: str) -> None:
    assert traced(parent, "rojo=1") == ()


def test_two_parents_are_ignored() -> None:
    assert trace_of([("traceparent", PARENT), ("traceparent", PARENT)]) == ()


@pytest.mark.parametrize(("suffix", "flags"), [("-03", "01"), ("-02-more", "00"), ("-01-", "01"), ("-1f", "01")])
def test_a_parent_of_a_later_version_is_passed_on_in_this_version(suffix: str, flags: str) -> None:
    assert traced("cc" + PARENT[2:-3] + suffix) == (("traceparent", PARENT[:-2] + flags),)


@pytest.mark.parametrize(
    "state",
    [
        "rojo",
        "=1",
        "rojo=",
        "Rojo=1",
        "rojo=1,rojo=2",
        "rojo=a=b",
        "rojo=\u00e4",
        "rojo=1\x00",
        ",".join(f"k{number}=1" for number in range(33)),
        "k" * 257 + "=1",
        "rojo=" + "1" * 257,
        "a@" + "b" * 15 + "=1",
    ],
)
def test_an_invalid_state_is_left_out(state: str) -> None:
    assert traced(PARENT, state) == (("traceparent", PARENT),)


def test_the_most_members_of_a_state_are_carried_on_whatever_their_values_end_with() -> None:
    state = ",".join(f"k{number}={number}X" for number in range(32))
    assert traced(PARENT, state)[1:] == (("tracestate", state),)


def test_only_spaces_and_tabs_are_left_out_around_a_member() -> None:
    assert traced(PARENT, "\ta=1\t,b=2")[1:] == (("tracestate", "a=1,b=2"),)
    assert traced(PARENT, "\x0ba=1") == (("traceparent", PARENT),)


def test_states_are_joined_without_empty_members() -> None:
    assert traced(PARENT, "a=1, ,b=2", " c@vendor=3 ")[1:] == (("tracestate", "a=1,b=2,c@vendor=3"),)
    assert traced(PARENT, " , ") == (("traceparent", PARENT),)


@given(st.lists(st.tuples(st.sampled_from(["traceparent", "tracestate"]), st.text() | st.just(PARENT))))
def test_what_is_passed_on_is_valid_itself(properties: list[tuple[str, str]]) -> None:
    passed_on = trace_of(properties)
    assert trace_of(passed_on) == passed_on
