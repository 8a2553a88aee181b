"""Count the instructions of each operation of the graph on the processor of a Raspberry Pi 4.

    python -m tests.arm.operations

writes docs/arm/operations.json and the table in docs/arm.md. LiteRT's kernels have no names in the wheels, so a block
of instructions is assigned to an operation by what it contains, and blocks without a sign to that of their neighbours:
only the products of 8 bits multiply bytes, only GELU divides vectors, and so on.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.arm.boards import PI_4
from tests.arm.emulation import CHECKOUT, Installation, build_plugin, installed
from tests.arm.instructions import PAGE, PROGRAM, TWEETS, shipped_bundles

COUNTED = CHECKOUT / "docs" / "arm" / "operations.json"
_TABLE = re.compile(r"(<!-- operations -->\n).*?(<!-- end -->)", re.DOTALL)
_LITERT = "libpywrap_litert"
_NEAR_BYTES = 64
"""Blocks at most this far apart are of one function."""
PRODUCTS = "8-bit matrix products"
OUTSIDE = "NumPy, Python, C library"
REST = "LiteRT's own work"
_SIGNS: Sequence[tuple[frozenset[str], str]] = [
    (frozenset({"sadalp"}), PRODUCTS),
    (frozenset({"sdot"}), PRODUCTS),
    (frozenset({"scvtf", "fmul"}), "their scales and biases"),
    (frozenset({"fdiv", "fmla"}), "GELU"),
    (frozenset({"fcvtns", "sqxtn"}), "quantisation of activations"),
    (frozenset({"fmin", "fmax", "ldp"}), "quantisation of activations"),
    (frozenset({"fmla", "bic"}), "softmax"),
    (frozenset({"fmla"}), "attention products (float)"),
    (frozenset({"fmin", "fmax"}), "attention products (float)"),
    (frozenset({"fmax", "ldp"}), "softmax"),
    (frozenset({"ld4"}), "packing of keys and values"),
    (frozenset({"tbl"}), "transposition"),
    (frozenset({"fadd", "ldp"}), "layer norm, residuals"),
    (frozenset({"fsub", "ldp"}), "layer norm, residuals"),
    (frozenset({"fmul", "ldp"}), "layer norm, residuals"),
]
"""Mnemonics that a block of an operation contains; the first that matches decides."""
OPERATIONS = [*dict.fromkeys(operation for _, operation in _SIGNS), REST, OUTSIDE]


@dataclass(frozen=True)
class Block:
    """Instructions that are executed one after the other.

    Args:
        address: Address of the first, in QEMU's memory.
        instructions: Number of instructions.
        executions: Number of times that the block was executed.
        mnemonics: Mnemonics of the instructions.
    """

    address: int
    instructions: int
    executions: int
    mnemonics: frozenset[str]

    @property
    def count(self) -> int:
        """Instructions executed."""
        return self.instructions * self.executions

    @property
    def end(self) -> int:
        """Address after the last instruction."""
        return self.address + 4 * self.instructions


def operation_of(mnemonics: frozenset[str]) -> str | None:
    """Return the operation that these mnemonics are a sign of, or None."""
    return next((operation for signs, operation in _SIGNS if signs <= mnemonics), None)


def by_operation(lines: Iterable[str]) -> Counter[str]:
    """Count the instructions of each operation in what the plugin wrote of its blocks."""
    blocks, ranges = _parsed(lines)
    counts: Counter[str] = Counter()
    inside = []
    for block in blocks:
        if any(block.address in memory for memory in ranges):
            inside.append(block)
        else:
            counts[OUTSIDE] += block.count
    for function in _functions(inside):
        counts.update(_of_function(function))
    return counts


def _of_function(blocks: Sequence[Block]) -> Counter[str]:
    """Count a function's instructions; what has no sign goes to the operation that most of the function is of."""
    counts: Counter[str] = Counter()
    unsigned = 0
    for block in blocks:
        if (operation := operation_of(block.mnemonics)) is None:
            unsigned += block.count
        else:
            counts[operation] += block.count
    (most, _), *_ = counts.most_common(1) or [(REST, 0)]
    counts[most] += unsigned
    return counts


def _functions(blocks: Iterable[Block]) -> Iterable[list[Block]]:
    function: list[Block] = []
    end = 0
    for block in sorted(blocks, key=lambda block: block.address):
        if function and block.address - end > _NEAR_BYTES:
            yield function
            function = []
        function.append(block)
        end = max(end, block.end)
    if function:
        yield function


def _parsed(lines: Iterable[str]) -> tuple[list[Block], list[range]]:
    """Return the blocks, and the memory that LiteRT's library is in."""
    blocks, ranges = [], []
    for line in lines:
        kind, *fields = line.split()
        if kind == "block":
            address, instructions, executions, mnemonics = fields
            names = frozenset(mnemonics.split(","))
            blocks.append(Block(int(address, 16), int(instructions), int(executions), names))
        elif fields[-1].rsplit("/", 1)[-1].startswith(_LITERT):
            first, last = (int(address, 16) for address in fields[0].split("-"))
            ranges.append(range(first, last))
    return blocks, ranges


def count_operations(installation: Installation, bundle: str, plugin: Path) -> dict[str, int]:
    """Count the instructions of each operation per sample tweet.

    Raises:
        RuntimeError: The program failed; its errors are the message.
    """
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as written:
        arguments = (str(PROGRAM), bundle, str(TWEETS))
        done = installation.run(PI_4, *arguments, plugin=f"{plugin},blocks={written.name}")
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        counts = by_operation(written)
    tweets = json.loads(done.stdout)["tweets"]
    return {operation: round(counts[operation] / tweets) for operation in OPERATIONS}


def table(counted: dict[str, dict[str, int]]) -> str:
    """Return the counts as a Markdown table, in millions of instructions per tweet."""
    lines = [f"| operation | {' | '.join(counted)} |", f"|{' --- |' * (1 + len(counted))}"]
    for operation in OPERATIONS:
        millions = [f"{counts[operation] / 1e6:.2f}" for counts in counted.values()]
        lines.append(f"| {operation} | {' | '.join(millions)} |")
    totals = [f"{sum(counts.values()) / 1e6:.2f}" for counts in counted.values()]
    lines.append(f"| all | {' | '.join(totals)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Count, and write what was counted into the documentation."""
    installation, plugin = installed(), build_plugin()
    counted = {}
    for bundle in shipped_bundles():
        sys.stderr.write(f"counting the operations of {bundle} on {PI_4.cpu} ...\n")
        counted[bundle] = count_operations(installation, bundle, plugin)
    COUNTED.write_text(json.dumps(counted, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda found: found[1] + table(counted) + found[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
