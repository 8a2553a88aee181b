"""The emulated Raspberry Pi, which `make test-arm` makes before the tests; without it they are skipped."""

import pytest

from tests.arm.emulation import Installation, installed, missing


@pytest.fixture(scope="session")
def installation() -> Installation:
    if reason := missing():
        pytest.skip(reason)
    found = installed()
    if not all(folder.is_dir() for folder in found.site):
        pytest.skip("needs the emulated installation: make test-arm")
    return found
