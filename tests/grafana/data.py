"""Queries that must return data."""

import asyncio
from collections.abc import Iterable, Sequence

from tests.grafana.prometheus import Prometheus
from tests.grafana.queries import rules

Query = tuple[str, str]
"""Title of the panel or rule, and the expression."""


async def eventually_all_with_data(
    server: Prometheus, queries: Sequence[Query], patience_seconds: float = 40.0
) -> list[Query]:
    """Repeat until all queries return data at once; returns those that do not after `patience_seconds`."""
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while missing := await _without_data(server, queries):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.5)
    return missing


async def failing_rules(server: Prometheus) -> list[str]:
    """Return the names of rules that the server cannot evaluate or does not have."""
    groups = (await server.get("rules"))["groups"]
    healths = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    names = [rule[kind] for kind in ("record", "alert") for rule in rules(kind)]
    return [name for name in names if healths.get(name) != "ok"]


async def _without_data(server: Prometheus, queries: Iterable[Query]) -> list[Query]:
    return [(title, expression) for title, expression in queries if not await server.values(expression)]
