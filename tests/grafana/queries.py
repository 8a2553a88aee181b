"""Queries of the dashboards and rules."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "grafana"
RULES = sorted((FOLDER / "prometheus").glob("*.yml"))
RULE_TESTS = sorted((FOLDER / "prometheus" / "tests").glob("*.yml"))
_SERIES = re.compile(r"\b(?:(?:instance\w*|entity|starling):|starling_|up\b)[\w:]*(?:\{[^}]*\})?")
_FROM_THE_INVENTORY = "instance:starling_model_intended:info"
"""The role writes its rules, with the models that the inventory gives the nodes."""


def dashboards() -> dict[str, dict[str, Any]]:
    """Read the committed dashboards, by file name."""
    files = sorted((FOLDER / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def panels() -> Iterator[dict[str, Any]]:
    """Yield every panel except row titles."""
    for dashboard in dashboards().values():
        yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def all_queries(rate_interval: str = "4s") -> list[tuple[str, str]]:
    """Return title and expression of every panel, alert and recording rule."""
    recorded = [(rule["record"], rule["record"]) for rule in rules("record")]
    return [*panel_queries(rate_interval), *alert_queries(), *recorded]


def panel_queries(rate_interval: str = "4s") -> Iterator[tuple[str, str]]:
    """Yield title and expression of every query of every panel, for all nodes."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], with_values(target["expr"], rate_interval)


def with_values(expression: str, rate_interval: str = "4s", time_range: str = "1m") -> str:
    """Replace Grafana's variables in an expression: all nodes and entities, the last seconds."""
    return (
        expression.replace("$node", ".+")
        .replace("$entity", ".+")
        .replace("$__rate_interval", rate_interval)
        .replace("$__range", time_range)
        .replace("$__interval", "5s")
        .replace("$price", "0.3")
    )


def rules(kind: str) -> list[dict[str, Any]]:
    """Read the rules of a kind: `alert` or `record`."""
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def alert_queries() -> Iterator[tuple[str, str]]:
    """Yield name and series of every alert: the series have data in good health, and the alert itself has none."""
    for rule in rules("alert"):
        for series in sorted(set(_SERIES.findall(rule["expr"])) - {_FROM_THE_INVENTORY}):
            yield rule["alert"], series
