"""Arithmetic of matrix products."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training.learning.arithmetic import matmul_arithmetic

pytestmark = pytest.mark.training

HAS_BFLOAT16 = "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def test_bfloat16_rounds_products_only_inside_the_context() -> None:
    generator = tf.random.Generator.from_seed(1)
    left, right = generator.normal([64, 48]), generator.normal([48, 32])
    product = tf.function(lambda: tf.matmul(tf.nn.relu(tf.matmul(left, right)), right, transpose_b=True))
    exact = product().numpy()
    with matmul_arithmetic("bfloat16"):
        rounded = product().numpy()
    np.testing.assert_array_equal(product(), exact)
    # Each factor has 8 bits of precision, and a sum has many factors.
    np.testing.assert_allclose(rounded, exact, atol=0.02 * np.abs(exact).max())
    if HAS_BFLOAT16:  # without it, TensorFlow may leave the graph unchanged
        assert (rounded != exact).any()


def test_float32_does_not_round_products() -> None:
    left = tf.random.Generator.from_seed(2).normal([32, 32])
    product = tf.function(lambda: tf.matmul(left, left))
    exact = product().numpy()
    with matmul_arithmetic("float32"):
        np.testing.assert_array_equal(product(), exact)
