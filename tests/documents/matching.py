"""Comparison of a document's output with a program's, where numbers that depend on the machine may differ.

In the document's output
- `…` stands for any text within a line, and for any number of lines if it is a line of its own;
- a number before a unit of time, memory or speed stands for any number;
- a number with two or more decimals, a probability, may differ by 0.02;
- a number of labels before a polarity may differ by 3, for probabilities that are almost equal;
- spaces and lines of tables may be longer or shorter.

All else has to be equal.
"""

import re
from collections.abc import Sequence

ANY_LINES = "…"
PROBABILITY_TOLERANCE = 0.02
LABELS_TOLERANCE = 3

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_PARTS = re.compile(
    rf"(?P<any>…)|(?P<measured>\b{_NUMBER})(?= (?:ms|s|MB|tweets/s)\b)|(?P<probability>\b\d\.\d{{2,}})"
    r"|(?P<labels>\b\d+)(?= (?:negative|neutral|positive)\b)|(?P<space>[ ]+)|(?P<rule>─+)"
)
_PATTERNS = {
    "any": r".*?",
    "measured": _NUMBER,
    "probability": r"(\d\.\d+)",
    "labels": r"(\d+)",
    "space": r"[ ]+",
    "rule": r"─+",
}


def difference(shown: str, printed: str) -> str | None:
    """Compare the output that a document shows with the one that a program printed.

    Returns:
        The first line shown that the program did not print; None if there is none.
    """
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    may_skip = False
    for wanted in [line.rstrip() for line in shown.strip().splitlines()]:
        if wanted == ANY_LINES:
            may_skip = True
            continue
        position = _position(wanted, lines if may_skip else lines[:1])
        if position is None:
            return wanted
        lines, may_skip = lines[position + 1 :], False
    return None if may_skip or not lines else f"the end; the program also printed: {lines[0]}"


def _position(wanted: str, lines: Sequence[str]) -> int | None:
    return next((index for index, line in enumerate(lines) if _equal(wanted, line)), None)


def _equal(wanted: str, line: str) -> bool:
    pattern, numbers, end = "", [], 0
    for part in _PARTS.finditer(wanted):
        kind = str(part.lastgroup)
        pattern += re.escape(wanted[end : part.start()]) + _PATTERNS[kind]
        end = part.end()
        if kind in {"probability", "labels"}:
            tolerance = PROBABILITY_TOLERANCE if kind == "probability" else LABELS_TOLERANCE
            numbers.append((float(part[0]), tolerance))
    found = re.fullmatch(pattern + re.escape(wanted[end:]), line)
    if found is None:
        return False
    return all(
        abs(float(value) - number) <= tolerance
        for value, (number, tolerance) in zip(found.groups(), numbers, strict=True)
    )
