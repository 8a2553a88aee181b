"""The firmware and the simulated Uno, built once per session."""

from pathlib import Path

import pytest

from stream.power.simulator import build_simulator, missing_packages


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("simulator"))


def build(folder: Path, defines: str = "") -> Path:
    if missing := missing_packages():
        pytest.skip(f"the simulated Uno is not built: apt-get install {' '.join(missing)}")
    return build_simulator(folder, defines)
