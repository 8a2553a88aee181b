"""An interpreter that a test can look into, hold and break."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.model.classifier import Classifier

BUCKETS = (4, 8, 16)


class FakeClassifier(Classifier):
    """Answers each tweet with its own first id, so that it is seen whose answer is whose.

    `batches` holds what was inferred; `began` is released at each inference's beginning; while `go` is clear, none
    ends; `error`, where set, is what they end in.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self._buckets = list(BUCKETS)
        self.batches: list[list[Sequence[int]]] = []
        self.began = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()
        self.error = error

    def probabilities(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        self.batches.append(list(batch))
        self.began.release()
        self.go.wait()
        if self.error:
            raise self.error
        return np.array([[ids[0], len(ids), 0] for ids in batch], dtype=np.float32)

    @property
    def first_ids(self) -> list[list[int]]:
        """The first id of each tweet, batch by batch."""
        return [[ids[0] for ids in batch] for batch in self.batches]
