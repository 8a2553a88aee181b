"""The values of the reputation dashboard, from a real Prometheus with given counts."""

import math
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.grafana.prometheus import PROGRAM, PROMTOOL, Prometheus, prometheus
from tests.grafana.queries import dashboards, with_values

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        PROGRAM is None or PROMTOOL is None, reason="Prometheus is not installed: apt-get install prometheus"
    ),
]
SERIES = "instance_entity_polarity:starling_entity_labels"
Counts = Mapping[str, tuple[int, int, int]]
"""Negative, neutral and positive labels by entity."""
DAY: Counts = {"usual": (20, 30, 50), "worse": (60, 20, 20), "few": (0, 0, 3), "none": (0, 0, 0)}
WEEK_BEFORE: Counts = {"usual": (140, 210, 350), "worse": (100, 200, 700), "few": (1, 1, 1), "none": (5, 5, 5)}


def history() -> str:
    """Return the counts, shared unequally by two nodes, as recorded in the last minutes."""
    lines = []
    now = int(time.time())
    for window, counts in (("increase1h", DAY), ("increase1d", DAY), ("increase1w_offset1d", WEEK_BEFORE)):
        lines.append(f"# TYPE {SERIES}:{window} gauge")
        for entity, labels in counts.items():
            for polarity, count in zip(("negative", "neutral", "positive"), labels, strict=True):
                for node, share in (("pi-1", count // 3), ("pi-2", count - count // 3)):
                    name = f'{SERIES}:{window}{{instance="{node}",entity="{entity}",polarity="{polarity}"}}'
                    lines += [f"{name} {share} {moment}" for moment in range(now - 240, now, 60)]
    return "\n".join(lines) + "\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Prometheus]:
    async with prometheus(tmp_path, {}, history()) as server:
        yield server


async def values(server: Prometheus, expression: str) -> dict[str, float]:
    """Evaluate an expression; returns its values by entity, NaN included."""
    result = (await server.get("query", query=with_values(expression)))["result"]
    return {series["metric"]["entity"]: float(series["value"][1]) for series in result}


def columns() -> dict[str, str]:
    """Return the expressions of the table by heading."""
    panels = dashboards()["reputation.json"]["panels"]
    table = next(panel for panel in panels if panel["type"] == "table")
    renamed = table["transformations"][1]["options"]["renameByName"]
    return {renamed[f"Value #{target['refId']}"]: target["expr"] for target in table["targets"]}


def net(counts: tuple[int, int, int]) -> float:
    return (counts[2] - counts[0]) / sum(counts)


def adjusted(counts: tuple[int, int, int]) -> tuple[float, float]:
    """Calculate centre and variance of Bonett and Price's interval: a label more of either polarity."""
    size = sum(counts) + 2
    negative, positive = (counts[0] + 1) / size, (counts[2] + 1) / size
    return positive - negative, (positive + negative - (positive - negative) ** 2) / size


async def test_the_table_has_counts_shares_net_polarity_and_changes(server: Prometheus) -> None:
    with_labels = [entity for entity, counts in DAY.items() if sum(counts)]
    found = {heading: await values(server, expression) for heading, expression in columns().items()}
    assert found["Labels"] == {entity: sum(counts) for entity, counts in DAY.items()}
    assert found["Labels, week before"] == {entity: sum(counts) for entity, counts in WEEK_BEFORE.items()}
    for place, heading in enumerate(("Negative", "Neutral", "Positive")):
        assert found[heading] == pytest.approx({each: DAY[each][place] / sum(DAY[each]) for each in with_labels})
    assert found["Net polarity"] == pytest.approx({entity: net(DAY[entity]) for entity in with_labels})
    changes = {entity: net(DAY[entity]) - net(WEEK_BEFORE[entity]) for entity in with_labels}
    assert found["Change"] == pytest.approx(changes)


async def test_the_interval_of_net_polarity_is_wide_for_few_labels(server: Prometheus) -> None:
    lower, upper = [await values(server, columns()[heading]) for heading in ("from", "to")]
    for entity, counts in DAY.items():
        centre, variance = adjusted(counts)
        assert lower[entity] == pytest.approx(max(-1, centre - 1.96 * math.sqrt(variance)))
        assert upper[entity] == pytest.approx(min(1, centre + 1.96 * math.sqrt(variance)))
    assert lower["few"] < 0 < upper["few"] == 1
    assert (lower["none"], upper["none"]) == (-1, 1)
    assert upper["usual"] - lower["usual"] < 0.35


async def test_a_change_beyond_chance_has_an_interval_without_0(server: Prometheus) -> None:
    lower, upper = [await values(server, columns()[heading]) for heading in ("change from", "change to")]
    for entity, counts in DAY.items():
        centre, variance = adjusted(counts)
        centre_before, variance_before = adjusted(WEEK_BEFORE[entity])
        half = 1.96 * math.sqrt(variance + variance_before)
        assert lower[entity] == pytest.approx(max(-2, centre - centre_before - half))
        assert upper[entity] == pytest.approx(min(2, centre - centre_before + half))
    assert upper["worse"] < 0
    assert lower["usual"] < 0 < upper["usual"]
    assert lower["few"] < 0 < upper["few"]


async def test_nodes_and_entities_can_be_selected(server: Prometheus) -> None:
    expression = columns()["Labels"].replace("$entity", "few|usual").replace("$node", "pi-1")
    assert await values(server, expression) == {"usual": 6 + 10 + 16, "few": 1}


async def test_entities_with_few_labels_are_counted(server: Prometheus) -> None:
    panels = dashboards()["reputation.json"]["panels"]
    few = next(panel for panel in panels if panel["title"] == "Few labels")
    assert await server.values(with_values(few["targets"][0]["expr"])) == [2]


@pytest.mark.parametrize(("negative", "neutral", "positive"), [(0.1, 0.3, 0.6), (0.4, 0.2, 0.4), (0.02, 0.9, 0.08)])
@pytest.mark.parametrize("size", [10, 30, 100])
def test_the_interval_holds_the_true_value_in_94_of_100_cases_or_more(
    negative: float, neutral: float, positive: float, size: int
) -> None:
    """Sum the probabilities of all samples whose interval holds the true net polarity."""
    covered = 0.0
    for few in range(size + 1):
        for many in range(size + 1 - few):
            counts = (few, size - few - many, many)
            centre, variance = adjusted(counts)
            if abs(positive - negative - centre) <= 1.96 * math.sqrt(variance):
                ways = math.comb(size, few) * math.comb(size - few, many)
                covered += ways * negative**few * neutral ** counts[1] * positive**many
    assert covered > 0.94
