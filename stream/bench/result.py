"""Result of a benchmark: its rows, and the context that is needed to interpret or repeat them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stream.bench.conditions import Meanwhile, conditions
from stream.bench.machine import describe_machine
from stream.model.bundle import Bundle

SCHEMA_VERSION = 1

Row = dict[str, Any]


@dataclass
class Result:
    """Result of one benchmark, filled while it runs."""

    kind: str
    settings: dict[str, Any]
    models: list[dict[str, Any]]
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=describe_machine)
    warnings: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    findings: dict[str, Any] = field(default_factory=dict)
    """Values derived from the rows, mostly ratios."""
    conditions: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The complete result, as `--json` prints it."""
        return {
            "schema": SCHEMA_VERSION,
            "kind": self.kind,
            "started_at": self.started_at,
            "command": ["starling", *sys.argv[1:]],
            "machine": self.machine,
            "conditions": self.conditions,
            "warnings": self.warnings,
            "models": self.models,
            "settings": self.settings,
            "rows": self.rows,
            "findings": self.findings,
        }


@contextmanager
def measuring(result: Result) -> Iterator[Result]:
    """Add the machine's conditions and warnings to a result; all children must have ended when the context ends."""
    before = conditions()
    yield result
    meanwhile = Meanwhile(before, conditions())
    result.conditions = meanwhile.as_json()
    result.warnings += meanwhile.warnings()


def describe_bundle(bundle: Bundle) -> dict[str, Any]:
    """Describe a model unambiguously."""
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "precision": manifest.precision,
        "sha256": bundle.sha256,
        "bytes": bundle.model.size_bytes,
        "max_tokens": manifest.max_tokens,
    }
