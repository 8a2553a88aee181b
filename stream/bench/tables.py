"""Results as tables for people."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.bench.result import Row

_MEBI = 2**20
Column = tuple[str, Callable[[Row], str]]


def number(value: float | None, digits: int = 1) -> str:
    """Format a number; empty if it is None."""
    return "" if value is None else f"{value:,.{digits}f}"


def milliseconds(row: Row, key: str = "latency_ms") -> str:
    """Format the three percentiles."""
    found = row.get(key)
    return "" if not found else " / ".join(number(found[name]) for name in ("p50", "p90", "p99"))


def mebibytes(row: Row, key: str = "resident_bytes") -> str:
    """Format a size in MiB."""
    return number(row[key] / _MEBI, 0) if row.get(key) else ""


def other_parts(row: Row) -> str:
    """Format the CPU time of the broker and the load generator."""
    found = row.get("beside_cpu_ms_per_tweet") or {}
    return ", ".join(f"{part} {number(value, 2)}" for part, value in found.items())


_CLASSIFIER: Sequence[Column] = (
    ("model", lambda row: row["model"]),
    ("precision", lambda row: row["precision"]),
    ("interpreters x threads", lambda row: f"{row['interpreters']} x {row['threads']}"),
    ("batch", lambda row: str(row["batch"])),
    ("tokens", lambda row: str(row["tokens"] or "own length")),
    ("tweets/s", lambda row: number(row["tweets_per_second"])),
    ("CPU ms/tweet", lambda row: number(row["cpu_ms_per_tweet"], 2)),
    ("ms/batch, p50 / p90 / p99", milliseconds),
    ("RSS MiB", mebibytes),
    ("J/tweet", lambda row: number(row["joules_per_tweet"], 4)),
    ("MMAC/tweet", lambda row: number(row["macs_per_tweet"] / 1e6)),
    ("passed on, %", lambda row: number(100 * row["passed_on"]) if "passed_on" in row else ""),
    ("queries", lambda row: f"{row['queries']:,}"),
)
_SERVICE: Sequence[Column] = (
    ("phase", lambda row: row["phase"]),
    ("tweets", lambda row: number(row.get("tweets"), 0)),
    ("sent/s", lambda row: number(row.get("rate"))),
    ("tweets/s", lambda row: number(row.get("tweets_per_second"))),
    ("CPU ms/tweet", lambda row: number(row.get("cpu_ms_per_tweet"), 2)),
    ("ms from MQTT in to MQTT out, p50 / p90 / p99", milliseconds),
    ("RSS MiB", mebibytes),
    ("lost", lambda row: number(row.get("lost"), 0)),
    ("CPU ms/tweet of the other parts", other_parts),
    ("J/tweet", lambda row: number(row.get("joules_per_tweet"), 4)),
)
_COMPARE: Sequence[Column] = (
    ("contender", lambda row: row["name"]),
    ("description", lambda row: row["words"]),
    ("tweets", lambda row: number(row["tweets"], 0)),
    ("tweets/s", lambda row: number(row["tweets_per_second"])),
    ("CPU ms/tweet", lambda row: number(row["cpu_ms_per_tweet"], 2)),
    ("our service's tweets/s over its", lambda row: number(row["service_times_tweets_per_second"], 2)),
    ("its CPU time over our classifier's", lambda row: number(row["classifier_times_less_cpu"], 2)),
    ("RSS MiB", mebibytes),
)
_GROWTH: Sequence[Column] = (
    ("variable", lambda row: row["grows"]),
    ("value", lambda row: f"{row['to']:,}"),
    ("tweets/s", lambda row: number(row["tweets_per_second"])),
    ("CPU ms/tweet", lambda row: number(row["cpu_ms_per_tweet"], 2)),
    ("RSS MiB", mebibytes),
)
COLUMNS: dict[str, Sequence[Column]] = {
    "classifier": _CLASSIFIER,
    "service": _SERVICE,
    "compare": _COMPARE,
    "growth": _GROWTH,
}
"""The columns of each kind of result."""


def cells(result: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the headings and rows of a result's table, without empty columns.

    Args:
        result: As `--json` prints it.
    """
    columns = COLUMNS[result["kind"]]
    rows = [[show(row) for _, show in columns] for row in result["rows"]]
    used = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return [columns[place][0] for place in used], [[row[place] for place in used] for row in rows]


def table(result: dict[str, Any]) -> RenderableType:
    """Format a result for a terminal: the machine, the rows, the findings and the warnings."""
    heads, rows = cells(result)
    grid = Table(*heads)
    for row in rows:
        grid.add_row(*row)
    findings = [Text(line) for line in findings_lines(result)]
    warnings = [Text(f"warning: {warning}", style="bold yellow") for warning in result["warnings"]]
    return Group(Text(machine_line(result["machine"]), style="dim"), grid, *findings, *warnings)


def machine_line(machine: dict[str, Any]) -> str:
    """Describe the machine in one line."""
    parts = [
        machine["board"],
        machine["processor"],
        f"{machine['cores_available']} cores, {machine['architecture']}",
        " ".join(machine["processor_features"]) or None,
        "virtual" if machine["virtual"] else None,
        f"governor {machine['governor']}" if machine["governor"] else None,
    ]
    return "; ".join(part for part in parts if part)


def findings_lines(result: dict[str, Any]) -> list[str]:
    """Format the findings, one line each."""
    return [f"{name}: {value}" for name, value in result.get("findings", {}).items() if value is not None]
