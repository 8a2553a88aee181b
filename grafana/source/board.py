"""Construction of a dashboard: sections of panels, variables, and links between dashboards."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.source.colours import CAUTION
from grafana.source.panels import DATASOURCE, Panel

TAG: Final = "starling"
Sections = Mapping[str, Sequence[Panel]]


def board(
    name: str,
    description: str,
    sections: Sections,
    *,
    variables: Sequence[QueryVariable | TextBoxVariable] = (),
    since: str = "now-1h",
) -> str:
    """Make a dashboard.

    Args:
        name: A word for its subject; its address is `/d/starling-<name>`.
        description: The questions that it answers.
        sections: Panels by the title of their row.
        variables: Selections beside those of Prometheus and of the nodes.
        since: Beginning of the time range at first.

    Returns:
        JSON for Grafana's provisioning.
    """
    dashboard = Dashboard(f"Starling: {name}").uid(f"starling-{name}").description(description).tags([TAG])
    dashboard.time(since, "now").refresh("30s").timezone("browser").tooltip(DashboardCursorSync.CROSSHAIR)
    dashboard.with_variable(_datasource()).with_variable(_node()).link(_links_to_other_dashboards())
    dashboard.annotation(_roll_outs())
    for variable in variables:
        dashboard.with_variable(variable)
    for title, panels in sections.items():
        dashboard.with_row(Row(title))
        for panel in panels:
            dashboard.with_panel(panel)
    built = dashboard.build()
    for number, placed in enumerate(built.panels or [], start=1):
        placed.id_val = number
    content = _as_grafana_has_it(json.loads(JSONEncoder().encode(built)))
    return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _as_grafana_has_it(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Write as Grafana's schema has it what the library writes in the form of older versions."""
    for annotation in dashboard["annotations"]["list"]:
        annotation["target"] = {"expr": annotation.pop("expr"), "refId": "Anno"}
    for variable in dashboard["templating"]["list"]:
        for option in ("auto", "auto_count", "auto_min"):  # those of a variable with a duration
            variable.pop(option, None)
    return dashboard


def _roll_outs() -> AnnotationQuery:
    """Mark the times at which nodes report a release or a model for the first time."""
    release = "max by (instance, version, release) (starling_build_info)"
    model = "instance_model:starling_model:info"
    new = [f"({metric} unless {metric.replace('info', 'info offset 2m', 1)})" for metric in (release, model)]
    annotation = AnnotationQuery().name("Roll-outs").datasource(DATASOURCE).enable(True)  # noqa: FBT003
    return annotation.icon_color(CAUTION).expr(" or ".join(new))


def _datasource() -> DatasourceVariable:
    variable = DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return variable.description("The Prometheus server that scrapes the nodes.")


def _node() -> QueryVariable:
    query = 'label_values(up{job="starling"}, instance)'
    return selection("node", "Node", "One node, several nodes, or all.", query)


def selection(name: str, label: str, description: str, query: str) -> QueryVariable:
    """Make a selection of one value, several values, or all.

    Args:
        name: Name of the variable.
        label: Label of the selection.
        description: Description of the selection.
        query: Query for the values.
    """
    variable = QueryVariable(name).label(label).description(description)
    variable.datasource(DATASOURCE).query(query)
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
    variable.multi(True).include_all(True).all_value(".+")  # noqa: FBT003  (the library's signatures)
    return variable.current(VariableOption(selected=True, text=["All"], value=["$__all"]))


def _links_to_other_dashboards() -> DashboardLink:
    link = DashboardLink("Starling").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False)  # noqa: FBT003
    return link.include_vars(True).keep_time(True)  # noqa: FBT003
