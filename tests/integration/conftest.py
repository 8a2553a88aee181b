"""Fixtures: a real Mosquitto for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mosquitto import PROGRAM, Mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    if PROGRAM is None:
        pytest.skip("Mosquitto is not installed: apt-get install mosquitto")
    with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto
