"""A page whose tables come from JSON files.

Between `<!-- FILE.json -->` and `<!-- end -->` stands what the file says; it is replaced each time.
"""

import re
from pathlib import Path
from typing import Any

import orjson

from stream.bench.tables import cells, findings_words, machine_words

_PLACE = re.compile(r"(<!-- (\S+\.json) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(page: str, folder: Path) -> str:
    """The page with its tables made anew; a file that is not there leaves its place as it was."""

    def table(place: re.Match[str]) -> str:
        file = folder / place[2]
        return place[1] + markdown(orjson.loads(file.read_bytes())) + place[3] if file.exists() else place[0]

    return _PLACE.sub(table, page)


def markdown(result: dict[str, Any]) -> str:
    """A result's table, with where and when it was measured, what follows from it, and what it warns of."""
    heads, rows = cells(result)
    lines = [
        f"{result['started_at'][:10]}; {machine_words(result['machine'])}; `{' '.join(command(result))}`",
        "",
        _line(heads),
        _line(["---"] * len(heads)),
        *map(_line, rows),
        "",
        *(f"- {finding}" for finding in findings_words(result)),
        *(f"- **Warning**: {warning}" for warning in result["warnings"]),
        "",
    ]
    return "\n".join(lines)


def command(result: dict[str, Any]) -> list[str]:
    """The command that gave a result, as one types it from the repository's root."""
    return [word for word in result["command"] if word != "--json"]


def _line(words: list[str]) -> str:
    return f"| {' | '.join(words)} |"
