"""The dashboard files: up to date, complete, consistent, and linked to each other."""

import re
from typing import Any

import pytest

from grafana.source.__main__ import dashboards as generated
from grafana.source.colours import POLARITY
from stream.tweets.polarity import POLARITIES
from tests.grafana.queries import FOLDER, dashboards, panel_queries, panels

UID = re.compile(r"/d/(starling-\w+)")
RATE_OF = re.compile(r"(?:rate|increase)\((\w+)")


@pytest.fixture(params=dashboards().values(), ids=list(dashboards()))
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def test_the_committed_files_are_up_to_date() -> None:
    folder = FOLDER / "dashboards"
    committed = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert committed == generated(), "run `make dashboards` and commit its output"


def test_every_panel_has_a_title_a_description_a_unit_and_a_query() -> None:
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


def test_every_panel_queries_the_selected_prometheus(dashboard: dict[str, Any]) -> None:
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    sources = {panel["datasource"]["uid"] for panel in dashboard["panels"] if panel["type"] != "row"}
    assert sources == {"${datasource}"}


def test_one_node_several_nodes_or_all_can_be_selected(dashboard: dict[str, Any]) -> None:
    node = next(variable for variable in dashboard["templating"]["list"] if variable["name"] == "node")
    assert (node["multi"], node["includeAll"], node["allValue"]) == (True, True, ".+")
    assert node["query"] == 'label_values(up{job="starling"}, instance)'


def test_panels_have_different_ids_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in dashboard["panels"]):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_queries_of_a_panel_have_different_references() -> None:
    for panel in panels():
        references = [target["refId"] for target in panel["targets"]]
        assert references == sorted(set(references))


def test_dashboards_link_to_each_other_and_every_link_has_a_target(dashboard: dict[str, Any]) -> None:
    assert dashboard["links"][0]["tags"] == dashboard["tags"] == ["starling"]
    assert dashboard["links"][0]["includeVars"]
    assert dashboard["links"][0]["keepTime"]
    known = {each["uid"] for each in dashboards().values()}
    assert len(known) == len(dashboards())
    assert set(UID.findall(str(dashboard))) <= known


def test_a_node_of_the_fleet_dashboard_links_to_its_device_dashboard() -> None:
    nodes = next(panel for panel in dashboards()["fleet.json"]["panels"] if panel["title"] == "Nodes")
    links = [
        option["value"][0]["url"]
        for override in nodes["fieldConfig"]["overrides"]
        for option in override["properties"]
        if option["id"] == "links"
    ]
    assert len(links) == 1
    assert links[0].startswith("/d/starling-device?")
    assert links[0].endswith("&var-node=${__value.raw}")


def test_columns_of_a_table_have_only_the_node_or_only_the_entity_as_a_label() -> None:
    """Grafana puts two values in one row only if all their labels are equal."""
    tables = [panel for panel in panels() if panel["type"] == "table" and len(panel["targets"]) > 1]
    assert tables
    for table in tables:
        labels = {target["expr"].partition("(")[2].partition(")")[0] for target in table["targets"]}
        assert labels in ({"instance"}, {"entity"}), table["title"]
        for target in table["targets"]:
            assert target["expr"].startswith("max by (")
            assert (target["instant"], target["format"]) == (True, "table")


def test_a_polarity_has_the_same_colour_on_every_panel() -> None:
    assert set(POLARITY) == set(POLARITIES)
    shown = [
        panel for panel in panels() if any("{{polarity}}" in target["legendFormat"] for target in panel["targets"])
    ]
    assert len(shown) >= 3
    for panel in shown:
        colours = {
            override["matcher"]["options"]: override["properties"][0]["value"]["fixedColor"]
            for override in panel["fieldConfig"]["overrides"]
        }
        assert colours == {f"/{polarity}$/": colour for polarity, colour in POLARITY.items()}


def test_rates_are_computed_of_counters_only() -> None:
    for title, expression in panel_queries():
        for metric in RATE_OF.findall(expression):
            assert metric.endswith(("_total", "_bucket", "_sum", "_count")), (title, metric)


def test_roll_outs_are_marked_on_every_dashboard(dashboard: dict[str, Any]) -> None:
    marks = [each for each in dashboard["annotations"]["list"] if each["name"] == "Roll-outs"]

    assert len(marks) == 1
    assert "starling_build_info offset 2m" in marks[0]["target"]["expr"]
    assert marks[0]["enable"]


def test_a_graph_of_the_fleet_has_at_most_ten_lines_of_nodes() -> None:
    graphs = [panel for panel in dashboards()["fleet.json"]["panels"] if panel["type"] == "timeseries"]
    by_node = [panel for panel in graphs if "{{instance}}" in str(panel["targets"]) and not _is_stacked(panel)]

    assert len(by_node) >= 6
    for panel in by_node:
        assert all(
            re.search(r" and (topk|bottomk)\(10, .+ @ end\(\)\)\)$", target["expr"])
            for target in panel["targets"]
            if "{{instance}}" in target["legendFormat"]
        ), panel["title"]


def _is_stacked(panel: dict[str, Any]) -> bool:
    return bool(panel["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode") == "normal")
