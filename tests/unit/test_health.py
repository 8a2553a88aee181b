import pytest

from stream.health import Health


def test_a_new_service_lacks_model_and_broker() -> None:
    assert Health().missing() == ["the model is being loaded", "the broker is not connected"]


def test_a_service_with_model_and_broker_lacks_nothing() -> None:
    assert Health(model_loaded=True, broker_connected=True).missing() == []


@pytest.mark.parametrize(
    ("health", "missing"),
    [
        (Health(broker_connected=True), "the model is being loaded"),
        (Health(model_loaded=True), "the broker is not connected"),
        (Health(model_loaded=True, broker_connected=True, stopping=True), "the service is stopping"),
    ],
)
def test_each_thing_missing_is_named(health: Health, missing: str) -> None:
    assert health.missing() == [missing]


def test_uptime_counts_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    health = Health(started=990.0)
    assert health.uptime_seconds == 10.0
