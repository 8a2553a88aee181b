"""A page with tables that are generated from JSON files.

The text between `<!-- FILE.json -->` and `<!-- end -->` is replaced by the table of the file.
"""

import re
from pathlib import Path
from typing import Any

import orjson

from stream.bench.tables import cells, findings_lines, machine_line

_PLACE = re.compile(r"(<!-- (\S+\.json) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(page: str, folder: Path) -> str:
    """Return the page with its tables replaced; without a file, the old table stays."""

    def table(place: re.Match[str]) -> str:
        file = folder / place[2]
        return place[1] + markdown(orjson.loads(file.read_bytes())) + place[3] if file.exists() else place[0]

    return _PLACE.sub(table, page)


def markdown(result: dict[str, Any]) -> str:
    """Return a result's table with its machine, date, findings and warnings."""
    heads, rows = cells(result)
    lines = [
        f"{result['started_at'][:10]}; {machine_line(result['machine'])}; `{' '.join(command(result))}`",
        "",
        _line(heads),
        _line(["---"] * len(heads)),
        *map(_line, rows),
        "",
        *(f"- {finding}" for finding in findings_lines(result)),
        *(f"- **Warning**: {warning}" for warning in result["warnings"]),
        "",
    ]
    return "\n".join(lines)


def command(result: dict[str, Any]) -> list[str]:
    """Return the command of a result, as typed in the repository's root."""
    return [word for word in result["command"] if word != "--json"]


def _line(words: list[str]) -> str:
    return f"| {' | '.join(words)} |"
