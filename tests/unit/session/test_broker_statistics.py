"""What is made of the figures that a broker publishes under $SYS."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from stream.session.broker_statistics import BrokerStatistics

DROPPED = "$SYS/broker/publish/messages/dropped"


def value(figures: BrokerStatistics, name: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(figures)
    return registry.get_sample_value(name)


def test_a_figure_is_exported_once_it_is_known() -> None:
    figures = BrokerStatistics()
    assert value(figures, "starling_broker_messages_dropped_total") is None
    figures.hear(DROPPED, b"12")
    assert value(figures, "starling_broker_messages_dropped_total") == 12


def test_a_figure_that_is_not_known_any_more_is_left_out() -> None:
    figures = BrokerStatistics()
    figures.hear(DROPPED, b"12")
    figures.forget()
    assert value(figures, "starling_broker_messages_dropped_total") is None


@given(payload=st.binary(max_size=40))
def test_no_payload_is_more_than_a_number(payload: bytes) -> None:
    figures = BrokerStatistics()
    figures.hear(DROPPED, b"1")
    figures.hear(DROPPED, payload)
    known = value(figures, "starling_broker_messages_dropped_total")
    assert known is not None
    assert abs(known) < float("inf")


def test_what_else_is_said_is_not_exported() -> None:
    figures = BrokerStatistics()
    figures.hear("$SYS/broker/made/up", b"1")
    assert {sample.value for metric in figures.collect() for sample in metric.samples} == {0.0}
