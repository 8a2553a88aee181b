"""The message by which Home Assistant finds a node (MQTT device discovery).

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery: one retained message describes the device and all of
its sensors, which take their values from the node's state by templates. An empty message removes the device.
"""

import hashlib
import re
from collections.abc import Collection
from typing import Final, Literal, NamedTuple, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream import __version__
from stream.home_assistant.state import NodeState
from stream.session.topics import OFFLINE, ONLINE, state_topic, status_topic
from stream.settings import Settings
from stream.telemetry.machine import board, processor

_PROJECT = "https://github.com/starling-edge/starling"
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_MISSED_PUBLICATIONS = 3
"""Publications without which a value is unavailable."""
_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@with_config(_DESCRIBED)
class DeviceFields(TypedDict):
    """The device in Home Assistant's registry."""

    identifiers: list[str]
    """Identifiers that no other device has."""
    name: str
    """Name of the node."""
    manufacturer: str
    """Always `Starling`."""
    model: NotRequired[str]
    """Name of the board or of the processor."""
    sw_version: str
    """Version of the service."""


@with_config(_DESCRIBED)
class OriginFields(TypedDict):
    """The program that publishes the message, for Home Assistant's log."""

    name: str
    """Name of the program."""
    sw_version: str
    """Version of the program."""
    support_url: str
    """Address of the project."""


@with_config(_DESCRIBED)
class ComponentFields(TypedDict):
    """One entity of the device."""

    platform: Literal["sensor", "binary_sensor"]
    """Kind of entity."""
    unique_id: str
    """Identifier that no other entity has."""
    name: str
    """Name of the entity."""
    value_template: str
    """Template that takes the value from the node's state."""
    expire_after: int
    """Seconds after which the value is unavailable if no new one has come."""
    unit_of_measurement: NotRequired[str]
    """Unit of the value."""
    device_class: NotRequired[str]
    """Home Assistant's class of the quantity."""
    state_class: NotRequired[Literal["measurement", "total_increasing"]]
    """Kind of statistics that Home Assistant keeps."""
    suggested_display_precision: NotRequired[int]
    """Decimals to show."""
    entity_category: NotRequired[Literal["diagnostic"]]
    """Group in which the entity is shown."""


@with_config(_DESCRIBED)
class DiscoveryMessage(TypedDict):
    """The description of a node for Home Assistant."""

    device: DeviceFields
    """The device."""
    origin: OriginFields
    """The program that publishes the message."""
    components: dict[str, ComponentFields]
    """The entities, by a key that stays the same."""
    state_topic: str
    """Topic of the node's numbers."""
    availability_topic: str
    """Topic of the node's status."""
    payload_available: str
    """Status of a node that is available."""
    payload_not_available: str
    """Status of a node that is not available."""


Key = Literal[
    "ready",
    "tweets_per_second",
    "rejected_per_second",
    "labelled_total",
    "in_progress",
    "latency_p50_seconds",
    "latency_p99_seconds",
    "temperature_celsius",
    "power_watts",
    "energy_joules_total",
    "joules_per_tweet",
]
"""The values of a node's state."""


class _Sensor(NamedTuple):
    key: Key
    name: str
    unit: str
    device_class: str | None = None
    factor: str = ""
    """Conversion from the state's unit, as part of a template."""
    decimals: int = 1
    increasing: bool = False
    always: bool = True
    """False: the machine may have no such value."""
    diagnostic: bool = False


_SENSORS: Final = (
    _Sensor("tweets_per_second", "Tweets per second", "tweets/s"),
    _Sensor("rejected_per_second", "Rejections per second", "messages/s", diagnostic=True),
    _Sensor("labelled_total", "Tweets labelled", "tweets", decimals=0, increasing=True),
    _Sensor("in_progress", "Tweets in progress", "tweets", decimals=0, diagnostic=True),
    _Sensor("latency_p50_seconds", "Latency, median", "ms", "duration", " * 1000"),
    _Sensor("latency_p99_seconds", "Latency, 99th percentile", "ms", "duration", " * 1000", diagnostic=True),
    _Sensor("temperature_celsius", "Temperature", "°C", "temperature", always=False),
    _Sensor("power_watts", "Power", "W", "power", decimals=2, always=False),
    _Sensor("energy_joules_total", "Energy", "Wh", "energy", " / 3600", decimals=2, increasing=True, always=False),
    _Sensor("joules_per_tweet", "Energy per tweet", "J", decimals=3, always=False),
)


def discovery_topic(settings: Settings) -> str:
    """Return the topic of a node's discovery message."""
    return f"{settings.home_assistant.prefix}/device/{_device_id(settings.node)}/config"


def measured(state: NodeState) -> set[Key]:
    """Return the values of a node's state that not every machine has, and this one has."""
    return {sensor.key for sensor in _SENSORS if not sensor.always and state[sensor.key] is not None}


def discovery_message(settings: Settings, known: Collection[Key]) -> DiscoveryMessage:
    """Return a node's discovery message.

    Args:
        settings: The node's name and topics.
        known: The result of `measured`: a machine without a sensor gets no entity for it.
    """
    device_id = _device_id(settings.node)
    device: DeviceFields = {
        "identifiers": [device_id],
        "name": settings.node,
        "manufacturer": "Starling",
        "sw_version": __version__,
    }
    if model := board() or processor():
        device["model"] = model
    shown = [sensor for sensor in _SENSORS if sensor.always or sensor.key in known]
    expire_after = round(_MISSED_PUBLICATIONS * settings.home_assistant.interval_seconds)
    components = {"problem": _problem(device_id, expire_after)}
    components |= {sensor.key: _component(sensor, device_id, expire_after) for sensor in shown}
    return {
        "device": device,
        "origin": {"name": "starling", "sw_version": __version__, "support_url": _PROJECT},
        "components": components,
        "state_topic": state_topic(settings.node),
        "availability_topic": status_topic(settings.node),
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
    }


def _component(sensor: _Sensor, device_id: str, expire_after: int) -> ComponentFields:
    value = f"value_json.{sensor.key}"
    # Home Assistant shows None as unknown; arithmetic with it would be an error.
    template = f"({value}{sensor.factor}) if {value} is number else None" if sensor.factor else value
    component: ComponentFields = {
        "platform": "sensor",
        "unique_id": f"{device_id}_{sensor.key}",
        "name": sensor.name,
        "value_template": f"{{{{ {template} }}}}",
        "expire_after": expire_after,
        "unit_of_measurement": sensor.unit,
        "state_class": "total_increasing" if sensor.increasing else "measurement",
        "suggested_display_precision": sensor.decimals,
    }
    if sensor.device_class:
        component["device_class"] = sensor.device_class
    if sensor.diagnostic:
        component["entity_category"] = "diagnostic"
    return component


def _problem(device_id: str, expire_after: int) -> ComponentFields:
    return {
        "platform": "binary_sensor",
        "unique_id": f"{device_id}_problem",
        "name": "Problem",
        "value_template": "{{ 'OFF' if value_json.ready else 'ON' }}",
        "expire_after": expire_after,
        "device_class": "problem",
        "entity_category": "diagnostic",
    }


def _device_id(node: str) -> str:
    """Return an identifier of the characters that Home Assistant allows; different nodes have different ones."""
    safe = _NOT_IN_IDS.sub("_", node)
    return f"starling_{safe}" if safe == node else f"starling_{safe}_{hashlib.sha256(node.encode()).hexdigest()[:8]}"
