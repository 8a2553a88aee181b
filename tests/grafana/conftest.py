from tests.firmware.conftest import simulator

__all__ = ["simulator"]
