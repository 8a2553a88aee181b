"""Topics against filters, beside paho's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from stream.topic_filters import matches


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("tweets/in", "tweets/in", True),
        ("tweets/in", "tweets/in/a", False),
        ("tweets/+", "tweets/in", True),
        ("tweets/+", "tweets", False),
        ("tweets/+", "tweets/", True),
        ("tweets/#", "tweets", True),
        ("tweets/#", "tweets/a/b", True),
        ("#", "tweets/in", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
        ("+/+", "/a", True),
        ("+", "/a", False),
    ],
)
def test_a_topic_matches_by_the_rules_of_mqtt(topic_filter: str, topic: str, expected: bool) -> None:  # noqa: FBT001
    assert matches(topic_filter, topic) is expected


LEVELS = st.lists(st.sampled_from(["a", "b", "", "$x"]), min_size=1, max_size=4)


@given(st.lists(st.sampled_from(["a", "b", "", "+", "$x"]), min_size=1, max_size=4), st.booleans(), LEVELS)
def test_any_topic_matches_as_paho_says(levels: list[str], rest: bool, topic: list[str]) -> None:  # noqa: FBT001
    topic_filter = "/".join([*levels, *(["#"] if rest else [])])
    name = "/".join(topic)
    if topic_filter and name:
        assert matches(topic_filter, name) == topic_matches_sub(topic_filter, name)
