"""What the dashboards and the alerts ask Prometheus."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "grafana"
RULES = sorted((FOLDER / "prometheus").glob("*.yml"))
RULE_TESTS = sorted((FOLDER / "prometheus" / "tests").glob("*.yml"))
_COMPARISON = re.compile(r"(==|>) [\d.]+")


def dashboards() -> dict[str, dict[str, Any]]:
    """The dashboards, as they are committed, by the names of their files."""
    files = sorted((FOLDER / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def panels() -> Iterator[dict[str, Any]]:
    """Every panel that shows something."""
    for dashboard in dashboards().values():
        yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def all_queries(rate_interval: str = "4s") -> list[tuple[str, str]]:
    """What asks, and the expression: of every panel, every alert and every recording rule."""
    recorded = [(rule["record"], rule["record"]) for rule in rules("record")]
    return [*panel_queries(rate_interval), *alert_queries(), *recorded]


def panel_queries(rate_interval: str = "4s") -> Iterator[tuple[str, str]]:
    """Title and expression of every query of every panel, of all nodes."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], asked(target["expr"], rate_interval)


def asked(expression: str, rate_interval: str = "4s") -> str:
    """A panel's expression with values in place of Grafana's variables: all nodes, the last seconds."""
    return expression.replace("$node", ".+").replace("$__rate_interval", rate_interval)


def rules(kind: str) -> list[dict[str, Any]]:
    """The rules of a kind: `alert` or `record`."""
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def alert_queries() -> Iterator[tuple[str, str]]:
    """Name and inner expression of every alert: what is compared with its limit, and there when all is well."""
    for rule in rules("alert"):
        yield rule["alert"], _COMPARISON.sub("", rule["expr"]).replace("absent(", "count(")
