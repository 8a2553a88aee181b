"""`starling average`: checkpoints in, the one whose weights are their mean out."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from training.averaging import average_checkpoints
from training.learning.run import find_checkpoints


def average(paths: Sequence[Path], out: Path) -> None:
    """Average checkpoints, and all seeds of the runs among them; says on stderr which.

    Raises:
        StarlingError: One cannot be used, or the average cannot be written.
    """
    checkpoints = [checkpoint for path in paths for checkpoint in find_checkpoints(path)]
    average_checkpoints(checkpoints, out)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"{out} is the average of {', '.join(map(str, checkpoints))}", markup=False)
