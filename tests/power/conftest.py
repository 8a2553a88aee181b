from tests.firmware.conftest import simulator
from tests.integration.conftest import broker

__all__ = ["broker", "simulator"]
