"""Models for the tests: the shipped one, and a small one."""

from pathlib import Path

import pytest

from stream.model.bundle import SHIPPED_BUNDLE
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings
from tests.unit.tiny_bundle import write_bundle, write_pair_bundle


@pytest.fixture(scope="session")
def shipped_model() -> Model:
    return load_model(ModelSettings(path=SHIPPED_BUNDLE, interpreters=1))


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a good bundle, which tests must not change."""
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def tiny_model(tiny_bundle: Path) -> Model:
    return load_model(ModelSettings(path=tiny_bundle, interpreters=2))


@pytest.fixture(scope="session")
def pair_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a good bundle whose model reads an entity; tests must not change it."""
    return write_pair_bundle(tmp_path_factory.mktemp("pair-bundle"))


@pytest.fixture(scope="session")
def pair_model(pair_bundle: Path) -> Model:
    return load_model(ModelSettings(path=pair_bundle, interpreters=2))
