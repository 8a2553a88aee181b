"""Matching of MQTT topics against topic filters (MQTT 5 and 3.1.1, 4.7)."""

_ONE_LEVEL, _ALL_LEVELS = "+", "#"


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a topic matches a filter; `+` stands for one level, `#` for the rest, `$`-topics match no wildcard.

    Args:
        topic_filter: The filter, without the `$share/` of a shared subscription.
        topic: The topic of a message.
    """
    if topic.startswith("$") and topic_filter[:1] in (_ONE_LEVEL, _ALL_LEVELS):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == _ALL_LEVELS:
            return True
        if number >= len(levels) or level not in (_ONE_LEVEL, levels[number]):
            return False
    return len(wanted) == len(levels)
