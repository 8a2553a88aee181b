"""Fixtures: a real Mosquitto for each test, and the environment of a feeder."""

import os
from pathlib import Path

import pytest

from tests.integration.conftest import broker
from tests.integration.mosquitto import Mosquitto

__all__ = ["broker"]


@pytest.fixture
def environment(broker: Mosquitto, tmp_path: Path) -> dict[str, str]:
    """Settings of a feeder: the broker, a folder for its position, and short delays."""
    return os.environ | {
        "STARLING_BROKER__PORT": str(broker.port),
        "STARLING_BROKER__RECONNECT_SECONDS": "0.2",
        "STARLING_FEED__STATE_FOLDER": str(tmp_path / "state"),
        "STARLING_FEED__RECONNECT_SECONDS": "0.2",
        "STARLING_FEED__HTTP_PORT": "0",
    }
