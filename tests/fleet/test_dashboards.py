"""Every query of every panel and every rule, asked of the fleet's own Prometheus while tweets flow."""

import re
from pathlib import Path

import aiohttp

from tests.fleet.conftest import Fleet
from tests.fleet.load import load
from tests.grafana.data import eventually_all_with_data, failing_rules
from tests.grafana.prometheus import Prometheus
from tests.grafana.queries import all_queries

_ONLY_ON_A_BOARD = re.compile("starling_system_(temperature|throttled|cpu_frequency)")
"""What nspawn's machines have no sensors for."""


async def test_no_panel_and_no_rule_is_without_data(fleet: Fleet, tmp_path: Path) -> None:
    queries = [query for query in all_queries(rate_interval="8s") if not _ONLY_ON_A_BOARD.search(query[1])]

    async with (
        aiohttp.ClientSession(f"http://{fleet.broker.address}:9090") as client,
        load(fleet.broker.address, tmp_path),
    ):
        missing = await eventually_all_with_data(Prometheus(client), queries, patience_seconds=90)
        troubled = await failing_rules(Prometheus(client))

    assert (missing, troubled) == ([], [])
