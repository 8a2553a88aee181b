"""A node's energy figures, as its energy topic has them, in one line for a person."""

from typing import Any

import orjson


def read_energy_words(payload: bytes) -> str | None:
    """Say the same of a message, which may be anybody's; None where it is no summary."""
    try:
        return energy_words(orjson.loads(payload))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def energy_words(summary: dict[str, Any]) -> str:
    """Say watts, joules per tweet, joules in all and the source.

    Args:
        summary: As `PowerMonitor.summary` gives it.
    """
    per_tweet = summary["joules_per_tweet"]
    parts = [
        _quantity(summary["watts"], "W") or "no power reading",
        _quantity(per_tweet["all"], "J/tweet"),
        _quantity(per_tweet["above_idle"], "J/tweet above idle"),
        _quantity(summary["joules_total"], "J in all"),
    ]
    return f"{', '.join(part for part in parts if part)} ({source_words(summary['source'])})"


def source_words(source: str) -> str:
    """The source's name, loud where nothing was measured."""
    name, _, simulated = source.partition("-")
    return f"SIMULATED {name}, not measured" if simulated else name


def _quantity(estimate: dict[str, float | None] | None, unit: str) -> str:
    if estimate is None:
        return ""
    error = estimate["standard_error"]
    return f"{estimate['value']:.3g}{'' if error is None else f' ± {error:.2g}'} {unit}"
