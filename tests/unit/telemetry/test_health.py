import pytest

from stream.telemetry.health import Health

STUCK_SECONDS = 60.0


@pytest.fixture
def health() -> Health:
    """The state of a service that is ready."""
    health = Health(STUCK_SECONDS)
    health.model_loaded = health.broker_connected = True
    return health


def test_a_new_service_misses_model_and_broker() -> None:
    assert Health(STUCK_SECONDS).missing() == ["the model is being loaded", "the broker is not connected"]


def test_a_service_with_model_and_broker_misses_nothing(health: Health) -> None:
    assert health.missing() == []


@pytest.mark.parametrize(
    ("part", "state", "missing"),
    [
        ("model_loaded", False, "the model is being loaded"),
        ("broker_connected", False, "the broker is not connected"),
        ("stopping", True, "the service is stopping"),
    ],
)
def test_each_missing_part_is_named(health: Health, part: str, missing: str, *, state: bool) -> None:
    setattr(health, part, state)
    assert health.missing() == [missing]


def test_work_within_the_time_limit_is_healthy(health: Health) -> None:
    with health.watching(lambda: STUCK_SECONDS):
        assert health.stuck() is None
        assert health.missing() == []


def test_work_beyond_the_time_limit_is_stuck(health: Health) -> None:
    with health.watching(lambda: 0.0), health.watching(lambda: 61.0), health.watching(lambda: 5.0):
        assert health.stuck() == "a tweet or an inference has been under way for 61 s"
        assert health.missing() == [health.stuck()]


def test_work_is_watched_only_within_its_context(health: Health) -> None:
    with health.watching(lambda: 61.0):
        pass
    assert health.stuck() is None


def test_a_service_without_work_is_not_stuck(health: Health) -> None:
    assert health.stuck() is None


def test_uptime_counts_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 990.0)
    health = Health(STUCK_SECONDS)
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    assert health.uptime_seconds == 10.0
