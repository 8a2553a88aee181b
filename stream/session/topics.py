"""The topics that are Starling's own, beside those that the settings name."""

from typing import Final

OWN_PREFIX: Final = "starling/"
ONLINE: Final = "online"
OFFLINE: Final = "offline"
ALL_STATUS_TOPICS: Final = "starling/+/status"
ALL_GROUP_TOPICS: Final = "starling/+/group"
ALL_ENERGY_TOPICS: Final = "starling/+/energy"


def status_topic(node: str) -> str:
    """Tell whether a node is there: retained, `online` or `offline`, the latter also as the node's will."""
    return f"starling/{node}/status"


def group_topic(node: str) -> str:
    """Tell the other nodes of a node's group whether it keeps up: retained JSON, `group` and `state`."""
    return f"starling/{node}/group"


def node_of(topic: str) -> str:
    """The node that one of these topics speaks of."""
    return topic.split("/")[1]


def check_topic(node: str) -> str:
    """Where `starling check` sends a message to itself, to see the broker carry it."""
    return f"starling/{node}/check"


def energy_topic(node: str) -> str:
    """What a node draws and what a tweet costs it: retained JSON, emptied when the node leaves."""
    return f"starling/{node}/energy"
