"""`starling average`: the checkpoint whose weights are the mean of other checkpoints' weights."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from training.averaging import average_checkpoints
from training.learning.run import find_checkpoints


def average(paths: Sequence[Path], out: Path) -> None:
    """Average checkpoints and all seeds of runs; print on stderr which.

    Raises:
        StarlingError: A checkpoint cannot be used, or the average cannot be written.
    """
    checkpoints = [checkpoint for path in paths for checkpoint in find_checkpoints(path)]
    average_checkpoints(checkpoints, out)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"{out} is the average of {', '.join(map(str, checkpoints))}", markup=False)
