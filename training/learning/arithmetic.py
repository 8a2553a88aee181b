"""The arithmetic of matrix products: bfloat16 takes two thirds of a step's time where the processor has it."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from training.learning.recipe import Arithmetic

_OPTION = "auto_mixed_precision_onednn_bfloat16"


@contextmanager
def matmul_arithmetic(arithmetic: Arithmetic) -> Iterator[None]:
    """Have the graphs that are run within multiply matrices in an arithmetic.

    TensorFlow rewrites a graph for bfloat16 as it is first run, with float32 wherever it takes that for needed, and
    leaves it as it is where the processor has no instructions for it.
    """
    tf.config.optimizer.set_experimental_options({_OPTION: arithmetic == "bfloat16"})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_OPTION: False})
