"""Text for a node's energy measurements, as published on its energy topic."""

from collections.abc import Mapping
from typing import Any

import orjson


def read_energy_words(payload: bytes) -> str | None:
    """Format a message that anyone may have published; None if it is not a valid summary."""
    try:
        return energy_words(orjson.loads(payload))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def energy_words(summary: Mapping[str, Any]) -> str:
    """Format power, energy per tweet, total energy and the source in one line.

    Args:
        summary: As returned by `PowerMonitor.summary`.
    """
    per_tweet = summary["joules_per_tweet"]
    parts = [
        _quantity(summary["watts"], "W") or "no power reading",
        _quantity(per_tweet["all"], "J/tweet"),
        _quantity(per_tweet["above_idle"], "J/tweet above idle"),
        _quantity(summary["joules_total"], "J in total"),
    ]
    return f"{', '.join(part for part in parts if part)} ({source_words(summary['source'])})"


def source_words(source: str) -> str:
    """Return the source's name; it says clearly if the data is simulated."""
    name, _, simulated = source.partition("-")
    return f"SIMULATED {name}, not measured" if simulated else name


def _quantity(estimate: dict[str, float | None] | None, unit: str) -> str:
    if estimate is None:
        return ""
    error = estimate["standard_error"]
    return f"{estimate['value']:.3g}{'' if error is None else f' ± {error:.2g}'} {unit}"
