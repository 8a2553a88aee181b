"""Count the instructions that a tweet takes on a Raspberry Pi's processor.

    python -m tests.arm.instructions

counts every shipped bundle on every board, and writes docs/arm/instructions.json and the table in docs/arm.md.
"""

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from stream.model.bundle import SHIPPED
from tests.arm.boards import BOARDS, Board
from tests.arm.emulation import CHECKOUT, Installation, build_plugin, installed

PROGRAM = Path(__file__).with_name("measured_program.py")
PAGE = CHECKOUT / "docs" / "arm.md"
COUNTED = CHECKOUT / "docs" / "arm" / "instructions.json"
TWEETS = 20
_TABLE = re.compile(r"(<!-- instructions -->\n).*?(<!-- end -->)", re.DOTALL)
KINDS = {
    "dot_product": "dot products",
    "multiply_accumulate": "8-bit multiply-accumulate",
    "float_multiply_add": "float multiply-add",
    "other_vector": "other vector",
    "load": "loads",
    "store": "stores",
    "branch": "branches",
    "rest": "rest",
}
"""The kinds that count_instructions.c tells apart, and their names in the table."""


@dataclass(frozen=True)
class Count:
    """Instructions of one inference, on average over the sample tweets.

    Args:
        tokens: Tokens per tweet, on average.
        by_kind: Instructions per tweet by kind, the kinds of count_instructions.c.
        probabilities: Probabilities of each tweet.
    """

    tokens: float
    by_kind: dict[str, float]
    probabilities: list[list[float]]

    @property
    def total(self) -> float:
        """Instructions per tweet."""
        return sum(self.by_kind.values())


def count_instructions(
    installation: Installation, board: Board, bundle: str, plugin: Path, tweets: int = TWEETS
) -> Count:
    """Count what inference takes: cleaning and tokenising are not in it.

    Raises:
        RuntimeError: The program failed; its errors are the message.
    """
    done = installation.run(board, str(PROGRAM), bundle, str(tweets), plugin=plugin)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    ran = json.loads(done.stdout)
    by_kind = {kind: count / ran["tweets"] for kind, count in _last_mark(done.stderr).items()}
    return Count(ran["tokens"], by_kind, ran["probabilities"])


def _last_mark(stderr: bytes) -> dict[str, int]:
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.startswith("instructions 1 ")]
    pairs = (field.split("=") for field in lines[-1].split()[2:])
    return {kind: int(count) for kind, count in pairs}


def shipped_bundles() -> list[str]:
    """Return the names of the bundles in the wheel; others are only in the repository."""
    build = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    excluded = build["targets"]["wheel"]["exclude"]
    return sorted(
        folder.name
        for folder in SHIPPED.iterdir()
        if folder.is_dir() and folder.relative_to(CHECKOUT).as_posix() not in excluded
    )


def _count_all() -> list[dict[str, object]]:
    installation, plugin = installed(), build_plugin()
    rows: list[dict[str, object]] = []
    for bundle in shipped_bundles():
        for board in BOARDS:
            sys.stderr.write(f"counting {bundle} on {board.cpu} ...\n")
            count = count_instructions(installation, board, bundle, plugin)
            kinds = {kind: round(value) for kind, value in count.by_kind.items()}
            rows.append({"bundle": bundle, "cpu": board.cpu, "tokens": count.tokens, "by_kind": kinds})
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """Return the counts as a Markdown table, in millions of instructions per tweet."""
    head = ["bundle", "processor", "all", *KINDS.values()]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        kinds = row["by_kind"]
        assert isinstance(kinds, dict)
        millions = [f"{value / 1e6:.1f}" for value in (sum(kinds.values()), *(kinds[kind] for kind in KINDS))]
        lines.append(f"| {' | '.join([str(row['bundle']), str(row['cpu']), *millions])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Count, and write what was counted into the documentation."""
    rows = _count_all()
    COUNTED.parent.mkdir(exist_ok=True)
    COUNTED.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda found: found[1] + table(rows) + found[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
