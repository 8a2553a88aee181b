"""The broker matrix in docs/reliability.md, generated from docs/reliability/brokers.json."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.brokers.trial import Checked, Delivery, Sharing
from tests.tables import markdown_table

_DOCUMENTS = Path(__file__).parents[2] / "docs"
PAGE = _DOCUMENTS / "reliability.md"
COUNTED = _DOCUMENTS / "reliability" / "brokers.json"
_MATRIX = re.compile(r"(<!-- brokers -->\n).*?(<!-- end of brokers -->)", re.DOTALL)
_COLUMNS = ("broker", "protocol", "auto", "tweets", "lost", "repeated", "a group", "`starling check`")


@dataclass(frozen=True)
class Row:
    """The results of one broker with one version of MQTT.

    Attributes:
        broker: Its name.
        version: Its version.
        protocol: The version of MQTT: '5' or '3.1.1'; empty where the broker was not tried.
        chosen: The version that `auto` chose.
        delivery: The count with a node that is killed.
        check: The result of `starling check`.
        sharing: The result for a group.
        left_out: The reason why the broker was not tried.
    """

    broker: str
    version: str = ""
    protocol: str = ""
    chosen: str = ""
    delivery: Delivery | None = None
    check: Checked | None = None
    sharing: Sharing | None = None
    left_out: str = ""


def read_rows() -> list[Row]:
    """Read the results of the last run."""
    return [_row(fields) for fields in json.loads(COUNTED.read_text(encoding="utf-8"))] if COUNTED.exists() else []


def write_rows(rows: Iterable[Row]) -> None:
    """Write the results, and the page."""
    rows = list(rows)
    COUNTED.parent.mkdir(exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)
    COUNTED.write_text(text + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MATRIX.sub(lambda found: found[1] + matrix(rows) + found[2], page), encoding="utf-8")


def matrix_on_the_page() -> str:
    """Return the generated part of the page."""
    found = _MATRIX.search(PAGE.read_text(encoding="utf-8"))
    assert found
    return found[0].removeprefix(found[1]).removesuffix(found[2])


def matrix(rows: Sequence[Row]) -> str:
    """Return the results in Markdown: a table, and the sentences of `starling check`."""
    table = markdown_table(_COLUMNS, [_cells(row) for row in rows])
    return "\n".join(["", table, "", *_sentences(rows), "\n"])


def _row(fields: dict[str, Any]) -> Row:
    nested = dict(fields)
    if nested["delivery"]:
        nested["delivery"] = Delivery(**nested["delivery"])
    if nested["check"]:
        nested["check"] = Checked(**nested["check"])
    if nested["sharing"]:
        check = Checked(**nested["sharing"].pop("check"))
        nested["sharing"] = Sharing(**nested["sharing"], check=check)
    return Row(**nested)


def _cells(row: Row) -> list[str]:
    name = f"{row.broker} {row.version}".strip()
    if row.delivery is None or row.check is None or row.sharing is None:
        return [name, f"not tried: {row.left_out}", *[""] * (len(_COLUMNS) - 2)]
    counts = (row.delivery.tweets, row.delivery.lost, row.delivery.repeated)
    return [
        name,
        f"MQTT {row.protocol}",
        f"MQTT {row.chosen}" if row.chosen else "finds none",
        *(f"{count}" if row.delivery.complete else f"{count}, not complete" for count in counts),
        "works" if row.sharing.works else "does not work",
        _verdict(row.check, row.sharing.check),
    ]


def _verdict(check: Checked, with_group: Checked) -> str:
    if not check.works:
        return "broken"
    return "works" if with_group.works else "works; with a group broken"


def _sentences(rows: Sequence[Row]) -> list[str]:
    """Return the answers of `starling check` that are not good, each with the brokers that got it."""
    brokers: dict[str, list[str]] = {}
    for row in rows:
        checks = {"": row.check, " with a group": row.sharing.check if row.sharing else None}
        for kind, check in checks.items():
            if check and not check.works and not (kind and row.check and not row.check.works):
                brokers.setdefault(check.says, []).append(f"{row.broker}, MQTT {row.protocol}{kind}")
    return [f"- {'; '.join(names)}: “{says}”" for says, names in brokers.items()]
