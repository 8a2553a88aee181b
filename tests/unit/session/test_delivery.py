"""The check of response topics; delivery is tested in test_deliveries.py and with a real broker."""

import pytest

from stream.errors import PublicationRefusedError
from stream.session.delivery import check_response_topic
from stream.settings import TopicSettings

DEFAULT = TopicSettings()
NARROW = TopicSettings(tweets="in/+", labels="out/polarity", rejected="out/rejected", response_prefixes=["out/", "in/"])


@pytest.mark.parametrize("topic", ["replies/a", "tweets/a/b", "replies/"])
def test_a_topic_with_an_allowed_prefix_is_accepted(topic: str) -> None:
    check_response_topic(topic, DEFAULT)


@pytest.mark.parametrize("topic", ["home/door/open", "$SYS/a", "Replies/a", "a/replies/", ""])
def test_a_refusal_of_a_topic_names_the_allowed_prefixes(topic: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"topics.response_prefixes allows tweets/, replies/"):
        check_response_topic(topic, DEFAULT)


@pytest.mark.parametrize("topic", ["out/polarity", "out/rejected", "in/a"])
def test_the_services_own_topics_are_refused_with_any_prefixes(topic: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"^it is no topic for answers$"):
        check_response_topic(topic, NARROW)


@pytest.mark.parametrize("topic", ["starling/pi/status", "starling/pi/group", "starling/pi/check"])
def test_topics_for_messages_between_nodes_are_refused_with_any_prefixes(topic: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"^it is no topic for answers$"):
        check_response_topic(topic, TopicSettings(response_prefixes=["starling/"]))


@pytest.mark.parametrize("topic", ["replies/" + "a" * 249, "replies/" + "\U0001f600" * 63, "replies" + "/" * 8])
def test_a_topic_that_exceeds_the_limits_of_brokers_is_refused(topic: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"^it is no topic for answers$"):
        check_response_topic(topic, DEFAULT)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9b", "\n", "\u202e", "\ufeff", "\uffff"])
def test_a_topic_with_an_invisible_character_is_refused(character: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"^it is no topic for answers$"):
        check_response_topic(f"replies/{character}", DEFAULT)


def test_a_topic_at_the_limits_of_brokers_is_accepted() -> None:
    check_response_topic("replies" + "/" * 7 + "a" * 242, DEFAULT)


@pytest.mark.parametrize("topic", ["replies/+", "replies/#", "#"])
def test_a_topic_with_wildcards_is_refused(topic: str) -> None:
    with pytest.raises(PublicationRefusedError, match=r"^it is no topic for answers$"):
        check_response_topic(topic, DEFAULT)


def test_without_prefixes_no_topic_is_accepted() -> None:
    with pytest.raises(PublicationRefusedError):
        check_response_topic("replies/a", TopicSettings(response_prefixes=[]))
