"""Arithmetic of matrix products: bfloat16 takes two thirds of a step's time on processors that support it."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from training.learning.recipe import Arithmetic

_OPTION = "auto_mixed_precision_onednn_bfloat16"


@contextmanager
def matmul_arithmetic(arithmetic: Arithmetic) -> Iterator[None]:
    """Compute the matrix products of graphs that run within the context in an arithmetic.

    TensorFlow rewrites a graph for bfloat16 when it first runs, with float32 where it considers that necessary. Without
    processor support for bfloat16 it leaves the graph unchanged.
    """
    tf.config.optimizer.set_experimental_options({_OPTION: arithmetic == "bfloat16"})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_OPTION: False})
