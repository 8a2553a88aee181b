"""Labels of the past, as Prometheus' rules would have recorded them."""

import time
from collections.abc import Mapping

from stream.commands.demo.entities import ENTITY_NAMES

HOUR_SECONDS = 3600
_HOURS = 9 * 24
USUAL: Mapping[str, int] = {"negative": 6, "neutral": 12, "positive": 22}
"""Labels of each node about each entity in an hour, by polarity."""


def history_of_labels(nodes: tuple[str, ...] = ("pi-1", "pi-2"), hourly: Mapping[str, int] = USUAL) -> str:
    """Return the recorded hourly counts of nine days, up to the last full hour, in the OpenMetrics format."""
    metric = "instance_entity_polarity:starling_entity_labels:increase1h"
    last_hour = int(time.time()) // HOUR_SECONDS * HOUR_SECONDS
    lines = [f"# TYPE {metric} gauge"]
    for node in nodes:
        for entity in ENTITY_NAMES:
            for polarity, count in hourly.items():
                labels = f'instance="{node}",entity="{entity}",polarity="{polarity}"'
                times = range(last_hour - _HOURS * HOUR_SECONDS, last_hour + 1, HOUR_SECONDS)
                lines += [f"{metric}{{{labels}}} {count} {moment}" for moment in times]
    return "\n".join(lines) + "\n"
