"""Releases of the simulated nodes: the service as it is, with a paced classifier that may have a fault."""

import functools
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np

from stream.cli import main
from stream.errors import BundleError
from stream.model import loading
from stream.model.bundle import Bundle
from stream.model.classifier import Classifier, Probabilities
from stream.telemetry import metrics

Fault = Literal["none", "hangs", "fails", "is slow", "calls everything negative"]
_INFERENCES_BEFORE_A_HANG = 3
_SLOWER = 8


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the service.

    Args:
        name: Name, which the node exports.
        seconds: Time of an inference per tweet.
        fault: Its fault: it hangs after the first tweets, fails at its start, needs eight times as long, or labels
            wrongly.
    """

    name: str
    seconds: float
    fault: Fault = "none"

    @property
    def paced_seconds(self) -> float:
        """Time of an inference per tweet, with the fault."""
        return _SLOWER * self.seconds if self.fault == "is slow" else self.seconds


class PacedClassifier(Classifier):
    """A classifier that takes the time per tweet of a release, and has its fault."""

    def __init__(self, release: Release, bundle: Bundle, threads: int) -> None:
        if release.fault == "fails":
            raise BundleError("this release cannot use the model")
        super().__init__(bundle, threads)
        self._release = release
        self._inferences = 0

    def probabilities(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        """Classify a batch, and wait as long as a slow processor would need."""
        self._inferences += 1
        if self._release.fault == "hangs" and self._inferences > _INFERENCES_BEFORE_A_HANG:
            threading.Event().wait()
        time.sleep(self._release.paced_seconds * len(batch))
        if self._release.fault == "calls everything negative":
            return np.array([[0.8, 0.1, 0.1]] * len(batch), dtype=np.float32)
        return super().probabilities(batch)


def run_node(config: Path, release: Release, log: Path) -> None:
    """Run `starling run` with a release, in this process."""
    with (
        patch.object(loading, "Classifier", functools.partial(PacedClassifier, release)),
        patch.object(metrics, "installed_release", lambda: release.name),
    ):
        run_command(("run", "--config", str(config)), log)


def run_command(arguments: Sequence[str], log: Path) -> None:
    """Run a command of `starling` in this process, with its output in a file."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["starling", *arguments]
    main()
