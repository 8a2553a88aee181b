"""The topics of Starling's own, beside those that the settings name."""

from typing import Final

OWN_PREFIX: Final = "starling/"
ONLINE: Final = "online"
OFFLINE: Final = "offline"
ALL_STATUS_TOPICS: Final = "starling/+/status"
ALL_GROUP_TOPICS: Final = "starling/+/group"
ALL_ENERGY_TOPICS: Final = "starling/+/energy"


def status_topic(node: str) -> str:
    """Return the topic of a node's presence: retained, `online` or `offline`, the latter also as the node's will."""
    return f"starling/{node}/status"


def group_topic(node: str) -> str:
    """Return the topic on which a node tells its group whether it keeps up: retained JSON, `group` and `state`."""
    return f"starling/{node}/group"


def subscriptions_topic(node: str) -> str:
    """Return the topic at which a node remembers its subscriptions: a retained JSON array of topic filters."""
    return f"starling/{node}/subscriptions"


def node_tweets_topic(node: str) -> str:
    """Return the topic of tweets for this node alone, also where it shares all others with a group."""
    return f"starling/{node}/tweets"


def node_of(topic: str) -> str:
    """Return the node that one of these topics concerns."""
    return topic.split("/")[1]


def check_topic(node: str) -> str:
    """Return the topic of the messages that `starling check` sends to itself."""
    return f"starling/{node}/check"


def energy_topic(node: str) -> str:
    """Return the topic of a node's power and energy per tweet: retained JSON, emptied when the node leaves."""
    return f"starling/{node}/energy"


def state_topic(node: str) -> str:
    """Return the topic of a node's numbers for home automation: retained JSON, only where the settings ask for it."""
    return f"starling/{node}/state"
