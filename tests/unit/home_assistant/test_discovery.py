"""The description of a node for Home Assistant, and the numbers that it shows."""

from typing import Any, get_args

import jinja2
import orjson
import pytest
from prometheus_client.core import GaugeMetricFamily

from stream.home_assistant.discovery import Key, discovery_message, discovery_topic, measured
from stream.home_assistant.state import NodeState, node_state
from stream.power.monitor import PowerMonitor
from stream.power.per_tweet import Work
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.telemetry.resources import ResourceCollector
from stream.web.page.status import NodeStatus
from tests.power.examples import Recorded, reading

SETTINGS = Settings(node="pi-1")
CLASSES = {
    "duration": {"d", "h", "min", "s", "ms"},
    "temperature": {"°C", "°F", "K"},
    "power": {"mW", "W", "kW"},
    "energy": {"J", "kJ", "Wh", "kWh"},
}
"""The units that Home Assistant allows for its classes of quantities, of those used here."""


class Resources(ResourceCollector):
    """The values of a machine with two temperatures, or none."""

    def __init__(self, *celsius: float) -> None:
        super().__init__()
        self._celsius = celsius

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily("starling_system_temperature_celsius", "", labels=["sensor"])
        for number, value in enumerate(self._celsius):
            family.add_metric([str(number)], value)
        return [GaugeMetricFamily("starling_system_load1", "", value=99), family]


def state_of(*, with_power: bool = False, celsius: tuple[float, ...] = ()) -> NodeState:
    metrics = Metrics()
    status = NodeStatus(SETTINGS, metrics, Health(60))
    for seconds in (0.004, 0.004, 0.04):
        metrics.tweet_seconds.observe(seconds)
        metrics.classified.labels("positive").inc()
    if with_power:
        monitor = PowerMonitor(Recorded([]), lambda: Work(0, 0, 0), 60)
        monitor.add(reading(3.5, 3600.0))
        status.show_power_of(monitor)
    return node_state(status, Resources(*celsius))


def components(known: set[Key]) -> dict[str, Any]:
    return {name: dict(fields) for name, fields in discovery_message(SETTINGS, known)["components"].items()}


def shown(state: NodeState, key: str) -> str:
    """Render a value as Home Assistant does."""
    template = components(set(get_args(Key)))[key]["value_template"]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701  (no HTML)
    return environment.from_string(template).render(value_json=orjson.loads(orjson.dumps(state)))


def test_the_state_has_the_nodes_numbers() -> None:
    state = state_of(celsius=(41.25, 52.5))
    assert state["labelled_total"] == 3
    assert state["latency_p50_seconds"] is not None
    assert state["temperature_celsius"] == 52.5
    assert state["ready"] is False
    assert [state[key] for key in ("power_watts", "energy_joules_total", "joules_per_tweet")] == [None] * 3


def test_the_state_has_the_keys_that_sensors_can_show() -> None:
    assert state_of().keys() == set(get_args(Key)) == NodeState.__annotations__.keys()


def test_values_are_shown_in_the_unit_of_their_sensor() -> None:
    state = state_of() | {"latency_p50_seconds": 0.0045, "energy_joules_total": 1800.0, "tweets_per_second": 2.5}
    assert float(shown(state, "latency_p50_seconds")) == pytest.approx(4.5)
    assert float(shown(state, "energy_joules_total")) == pytest.approx(0.5)
    assert shown(state, "tweets_per_second") == "2.5"


@pytest.mark.parametrize("key", sorted(set(get_args(Key)) - {"ready"}))
def test_an_unknown_value_is_shown_as_unknown(key: Key) -> None:
    state: Any = dict.fromkeys(get_args(Key))
    assert shown(state, key) == "None"


@pytest.mark.parametrize(("ready", "problem"), [(True, "OFF"), (False, "ON")])
def test_a_node_that_is_not_ready_has_a_problem(problem: str, *, ready: bool) -> None:
    assert shown(state_of() | {"ready": ready}, "problem") == problem


def test_a_machine_without_sensors_has_no_entities_for_them() -> None:
    assert (
        not {"temperature_celsius", "power_watts", "energy_joules_total", "joules_per_tweet"}
        & components(measured(state_of())).keys()
    )
    assert "temperature_celsius" in components(measured(state_of(celsius=(40.0,))))
    known = measured(state_of(with_power=True))
    assert {"power_watts", "energy_joules_total"} <= components(known).keys()


def test_values_that_every_node_has_do_not_change_the_description() -> None:
    assert measured(state_of()) == set()


def test_each_entity_has_an_identifier_of_its_own_and_a_unit_that_fits_its_class() -> None:
    entities = components(set(get_args(Key)))
    assert len({entity["unique_id"] for entity in entities.values()}) == len(entities) == len(get_args(Key))
    for entity in entities.values():
        if entity["platform"] == "sensor":
            assert entity["unit_of_measurement"] in CLASSES.get(
                entity.get("device_class", ""), {entity["unit_of_measurement"]}
            )
            if entity.get("device_class") == "energy":  # Home Assistant allows no other one
                assert entity["state_class"] == "total_increasing"


def test_the_device_is_available_by_the_nodes_status() -> None:
    message = discovery_message(SETTINGS, ())
    assert message["availability_topic"] == "starling/pi-1/status"
    assert (message["payload_available"], message["payload_not_available"]) == ("online", "offline")
    assert message["state_topic"] == "starling/pi-1/state"
    assert message["device"]["name"] == "pi-1"


def test_the_topic_has_the_prefix_and_only_characters_that_home_assistant_allows() -> None:
    assert discovery_topic(SETTINGS) == "homeassistant/device/starling_pi-1/config"
    other = discovery_topic(Settings(node="pi.küche", home_assistant={"prefix": "ha"}))
    assert other.startswith("ha/device/starling_pi_k_che_")
    assert other.isascii()
    assert discovery_topic(Settings(node="pi.1")) != discovery_topic(Settings(node="pi,1"))
