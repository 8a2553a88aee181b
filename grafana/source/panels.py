"""Panel types of the dashboards, each with title, description, unit and queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.source.colours import BAD, CAUTION, GOOD, POLARITY
from grafana.source.promql import Query

Panel = timeseries.Panel | stat.Panel | table.Panel | statetimeline.Panel | heatmap.Panel
_AnyPanel = TypeVar("_AnyPanel", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, heatmap.Panel)

DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
PER_SECOND: Final = "suffix: /s"
_FULL_WIDTH: Final = 24
_GRAPH_WIDTH, _GRAPH_HEIGHT = 12, 8
"""Two panels per row; on a phone Grafana shows one per row."""
_NUMBER_WIDTH, _NUMBER_HEIGHT = 4, 4
_DEVICE = "/d/starling-device?var-datasource=${datasource}&${__url_time_range}&var-node="


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds for a value that needs attention and for one that needs action.

    Args:
        caution: Threshold of attention.
        bad: Threshold of action; if it is the lower one, low values are bad.
    """

    caution: float
    bad: float

    def thresholds(self) -> ThresholdsConfig:
        """Return the thresholds in Grafana's form."""
        if self.bad < self.caution:
            steps = [(None, BAD), (self.bad, CAUTION), (self.caution, GOOD)]
        else:
            steps = [(None, GOOD), (self.caution, CAUTION), (self.bad, BAD)]
        return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(*step) for step in steps])


DISK: Final = Limits(caution=0.8, bad=0.9)
WIFI: Final = Limits(caution=-67, bad=-75)
VALIDITY: Final = Limits(caution=21 * 86400, bad=3 * 86400)


def number(title: str, description: str, unit: str, query: Query, *, limits: Limits | None = None) -> stat.Panel:
    """Make a panel with one number and its history in the background."""
    panel = _described(stat.Panel(), title, description, [query]).unit(unit)
    panel.span(_NUMBER_WIDTH).height(_NUMBER_HEIGHT).graph_mode(BigValueGraphMode.AREA)
    panel.color_mode(BigValueColorMode.VALUE if limits else BigValueColorMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.thresholds(limits.thresholds()) if limits else panel


def name(title: str, description: str, query: Query) -> stat.Panel:
    """Make a panel with the name of a series."""
    panel = _described(stat.Panel(), title, description, [query]).span(_NUMBER_WIDTH).height(_NUMBER_HEIGHT)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.unit("short").graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.NONE)
    return panel.text_mode(BigValueTextMode.NAME)


def graph(
    title: str, description: str, unit: str, *queries: Query, limits: Limits | None = None, stacked: bool = False
) -> timeseries.Panel:
    """Make a graph of lines or stacked areas; lines of one node link to that node's dashboard."""
    panel = _described(timeseries.Panel(), title, description, queries).unit(unit).axis_soft_min(0)
    panel.span(_GRAPH_WIDTH).height(_GRAPH_HEIGHT).legend(_legend()).line_width(1)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    panel.fill_opacity(40 if stacked else 5)
    if any("{{instance}}" in query.legend for query in queries):
        panel.data_links([_to_device()])
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if limits:
        panel.thresholds(limits.thresholds())
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    return panel


def signed(panel: timeseries.Panel) -> timeseries.Panel:
    """Let a graph's values be negative: it shows -1 to 1, or -100 % to 100 %."""
    return panel.axis_soft_min(-1).axis_soft_max(1)


def band(panel: timeseries.Panel, lower: str, upper: str) -> timeseries.Panel:
    """Show two of a graph's lines, given by name, as the limits of an area."""
    hidden: dict[str, object] = {"lineWidth": 0, "fillOpacity": 0}
    for name, changes in {lower: hidden, upper: hidden | {"fillBelowTo": lower, "fillOpacity": 20}}.items():
        panel.override_by_name(name, [_option(f"custom.{key}", value) for key, value in changes.items()])
    return panel


def for_each(panel: timeseries.Panel, variable: str) -> timeseries.Panel:
    """Show a panel once for each selected value of a variable."""
    return panel.repeat(variable).repeat_direction("h").max_per_row(2)


def polarities(panel: timeseries.Panel) -> timeseries.Panel:
    """Set the colours of series whose names end with a polarity."""
    for polarity, colour in POLARITY.items():
        panel.override_by_regexp(f"/{polarity}$/", [_option("color", {"mode": "fixed", "fixedColor": colour})])
    return panel


def histogram(title: str, description: str, unit: str, query: Query) -> heatmap.Panel:
    """Make a heat map of a histogram's buckets over time."""
    panel = _described(heatmap.Panel(), title, description, [query], PromQueryFormat.HEATMAP)
    panel.span(_GRAPH_WIDTH).height(_GRAPH_HEIGHT).unit("short")
    panel.y_axis(heatmap.YAxisConfig().unit(unit))
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Cividis").steps(64)
    return panel.calculate(False).color(colours)  # noqa: FBT003  (the library's signature)


def states(title: str, description: str, words: Mapping[int, str], *queries: Query) -> statetimeline.Panel:
    """Make a timeline of states; texts that begin with "not " or are "throttled" have the colour of faults."""
    panel = _described(statetimeline.Panel(), title, description, queries).unit("short")
    panel.span(_GRAPH_WIDTH).height(_GRAPH_HEIGHT).legend(_legend()).show_value(VisibilityMode.NEVER)
    return panel.mappings([ValueMap({str(value): _word(text) for value, text in words.items()})])


def node_table(title: str, description: str, columns: Mapping[str, tuple[str, str]]) -> table.Panel:
    """Make a table with a row for each node, whose name links to its dashboard.

    Args:
        title: Title of the table.
        description: Description of the table.
        columns: Expression with one value per node, and the unit, by heading.
    """
    panel = _table(title, description, columns, {"instance": "Node", "model": "Model", "version": "Release"})
    link = {"title": "This node's dashboard", "url": _DEVICE + "${__value.raw}"}
    return panel.override_by_name("Node", [_option("links", [link])])


def entity_table(title: str, description: str, columns: Mapping[str, tuple[str, str]]) -> table.Panel:
    """Make a table with a row for each entity; arguments as for `node_table`."""
    return _table(title, description, columns, {"entity": "Entity"})


def _table(
    title: str, description: str, columns: Mapping[str, tuple[str, str]], labels: Mapping[str, str]
) -> table.Panel:
    queries = [Query(expression) for expression, _ in columns.values()]
    panel = _described(table.Panel(), title, description, queries, PromQueryFormat.TABLE).unit("short")
    renamed = {**labels, **dict(zip(_value_names(len(columns)), columns, strict=True))}
    panel.with_transformation(DataTransformerConfig("merge", options={}))
    panel.with_transformation(
        DataTransformerConfig("organize", options={"excludeByName": {"Time": True}, "renameByName": renamed})
    )
    for heading, (_, unit) in columns.items():
        panel.override_by_name(heading, [_option("unit", unit)])
    return panel.span(_FULL_WIDTH).height(_GRAPH_HEIGHT)


def _described(
    panel: _AnyPanel,
    title: str,
    description: str,
    queries: Sequence[Query],
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> _AnyPanel:
    panel.title(title).description(description).datasource(DATASOURCE)
    for position, query in enumerate(queries):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).format(form)
        target = target.instant() if form is PromQueryFormat.TABLE else target.range()
        panel.with_target(target.ref_id(_reference(position)))
    return panel


def _reference(position: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[position]


def _value_names(queries: int) -> list[str]:
    """Return Grafana's names of the values of a table's queries."""
    return ["Value"] if queries == 1 else [f"Value #{_reference(position)}" for position in range(queries)]


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True)  # noqa: FBT003  (the library's signature)
    return legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).calcs([])


def _to_device() -> DashboardLink:
    link = DashboardLink("${__field.labels.instance}").type(DashboardLinkType.LINK)
    return link.url(_DEVICE + "${__field.labels.instance}")


def _word(text: str) -> ValueMappingResult:
    return ValueMappingResult(text=text, color=BAD if text == "throttled" or text.startswith("not ") else GOOD)


def _option(identifier: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(identifier, value)
