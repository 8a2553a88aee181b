"""`starling sbom`: a list of the installed software and of the model, in CycloneDX's format."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Any

import orjson
import typer

from stream import __version__
from stream.model.bundle import load_bundle
from stream.settings import load_settings

_OWN = "starling-edge"


def print_sbom(config: Path | None) -> None:
    """Print a bill of materials as JSON: this installation's packages, and the model that the settings name.

    Args:
        config: The settings file.

    Raises:
        StarlingError: The settings are wrong, or the bundle cannot be read.
    """
    typer.echo(orjson.dumps(_bill(config), option=orjson.OPT_INDENT_2))


def _bill(config: Path | None) -> dict[str, Any]:
    found = {_reference(package): package for package in distributions()}
    packages = [_component(package) for package in found.values() if package.name != _OWN]
    components = sorted(packages, key=lambda component: str(component["bom-ref"]))
    models = _models(config)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": _component(distribution(_OWN)) | {"type": "application"},
            "tools": {"components": [{"type": "application", "name": _OWN, "version": __version__}]},
        },
        "components": [*components, *models],
        "dependencies": [
            {
                "ref": _reference(distribution(_OWN)),
                "dependsOn": [str(component["bom-ref"]) for component in [*components, *models]],
            }
        ],
    }


def _component(package: Distribution) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(package),
        "name": package.name,
        "version": package.version,
        "purl": _reference(package),
    }
    licences = list(_licences(package))
    return component | ({"licenses": licences} if licences else {})


def _reference(package: Distribution) -> str:
    return f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version.replace('+', '%2B')}"


def _licences(package: Distribution) -> Iterator[dict[str, Any]]:
    """Yield the licence: the expression if the package has one, otherwise the first line of its name."""
    if expression := _metadata(package, "License-Expression"):
        yield {"expression": expression}
    elif lines := _metadata(package, "License").strip().splitlines():
        yield {"license": {"name": lines[0]}}


def _metadata(package: Distribution, field: str) -> str:
    return next(iter(package.metadata.get_all(field) or ()), "")


def _models(config: Path | None) -> list[dict[str, Any]]:
    """Return the model of the settings, and the first one of a cascade."""
    model = load_settings(config).model
    return [_model(path) for path in (model.path, *([model.cascade] if model.cascade else []))]


def _model(path: Path | None) -> dict[str, Any]:
    bundle = load_bundle(path)
    manifest = bundle.manifest
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{bundle.sha256}",
        "name": manifest.name,
        "version": manifest.precision,
        "hashes": [{"alg": "SHA-256", "content": bundle.sha256}],
    }
