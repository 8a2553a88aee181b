"""Whether a Prometheus has data for what is asked of it."""

import asyncio
from collections.abc import Iterable, Sequence

from tests.grafana.prometheus import Prometheus
from tests.grafana.queries import rules

Query = tuple[str, str]
"""What asks, and the expression."""


async def eventually_all_with_data(
    server: Prometheus, queries: Sequence[Query], patience_seconds: float = 40.0
) -> list[Query]:
    """Ask until all queries give data at once; returns those that still do not when patience is at an end."""
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while missing := await _without_data(server, queries):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.5)
    return missing


async def rules_in_trouble(server: Prometheus) -> list[str]:
    """The names of the rules that it cannot evaluate, or does not have."""
    groups = (await server.get("rules"))["groups"]
    healths = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    names = [rule[kind] for kind in ("record", "alert") for rule in rules(kind)]
    return [name for name in names if healths.get(name) != "ok"]


async def _without_data(server: Prometheus, queries: Iterable[Query]) -> list[Query]:
    return [(title, expression) for title, expression in queries if not await server.values(expression)]
