"""Prints constraints that pin the edge service's dependencies to their lowest declared versions: `make test-lowest`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

_PROJECT = Path("pyproject.toml")
_EXTRAS = ("demo", "feed", "parquet", "plots")


def lowest_versions(project: Path = _PROJECT) -> Iterator[str]:
    """Yield a constraint for each dependency that this machine needs.

    Raises:
        ValueError: A dependency has no lowest version.
    """
    declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    extras = declared["optional-dependencies"]
    for text in [*declared["dependencies"], *(text for extra in _EXTRAS for text in extras[extra])]:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            yield f"{requirement.name}=={_lowest(requirement)}"


def _lowest(requirement: Requirement) -> str:
    for specifier in requirement.specifier:
        if specifier.operator in {">=", "=="}:
            return specifier.version
    raise ValueError(f"{requirement} has no lowest version: add >=")


if __name__ == "__main__":
    print("\n".join(lowest_versions()))  # noqa: T201
