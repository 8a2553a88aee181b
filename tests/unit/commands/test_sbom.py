"""The bill of materials."""

import re
from importlib.metadata import version

import orjson
import pytest
from typer.testing import CliRunner

from stream import __version__
from stream.cli import app
from stream.model.bundle import SHIPPED, SHIPPED_BUNDLE, file_sha256


def _bill() -> dict[str, object]:
    result = CliRunner().invoke(app, ["sbom"])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = orjson.loads(result.stdout)
    return found


def test_it_names_its_format_this_program_and_each_package_with_its_version() -> None:
    bill = _bill()

    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", str(bill["serialNumber"]))
    text = orjson.dumps(bill).decode()
    assert f'"pkg:pypi/starling-edge@{__version__}"' in text
    assert f'"pkg:pypi/orjson@{version("orjson")}"' in text


def test_the_model_is_a_component_with_its_hash() -> None:
    components = _bill()["components"]
    assert isinstance(components, list)
    models = [each for each in components if each["type"] == "machine-learning-model"]

    assert [each["hashes"][0]["content"] for each in models] == [file_sha256(SHIPPED_BUNDLE / "model.tflite")]


def test_both_models_of_a_cascade_are_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_MODEL__CASCADE", "first")
    monkeypatch.setenv("STARLING_MODEL__CASCADE_THRESHOLD", "0.4")
    components = _bill()["components"]
    assert isinstance(components, list)
    hashes = {each["hashes"][0]["content"] for each in components if each["type"] == "machine-learning-model"}
    assert hashes == {file_sha256(folder / "model.tflite") for folder in (SHIPPED_BUNDLE, SHIPPED / "first")}


def test_each_component_has_a_reference_of_its_own_and_the_program_depends_on_it() -> None:
    bill = _bill()
    components, dependencies = bill["components"], bill["dependencies"]
    assert isinstance(components, list)
    assert isinstance(dependencies, list)
    references = [each["bom-ref"] for each in components]

    assert len(set(references)) == len(references)
    assert dependencies[0]["dependsOn"] == references
