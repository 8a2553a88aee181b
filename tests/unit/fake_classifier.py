"""A fake interpreter that a test can inspect, pause and make fail."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.model.classifier import Classifier

BUCKETS = (4, 8, 16)


class FakeClassifier(Classifier):
    """Returns each tweet's first id as its result, so that results can be assigned to tweets.

    `batches` has the batches of all inferences. `began` is released when an inference begins. While `go` is clear,
    no inference ends. `error` is raised at the end of each inference, if it is set.
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
        """The first id of each tweet, by batch."""
        return [[ids[0] for ids in batch] for batch in self.batches]
