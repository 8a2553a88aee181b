import pytest

from stream.errors import BundleError
from stream.model.bundle import SHIPPED_BUNDLE
from stream.model.macs import (
    convolution_macs,
    count_macs,
    depthwise_convolution_macs,
    fully_connected_macs,
    matrix_product_macs,
    mean_macs,
)
from tests.unit.tiny_bundle import write_bundle

WIDTH, INNER_WIDTH, LAYERS, LABELS = 384, 1536, 6, 3


def shipped_macs_by_hand(tokens: int) -> int:
    """Calculate the MACs of six layers of width 384; the last layer is computed for [CLS] only (training/bert.py)."""
    projection, feed_forward = WIDTH * WIDTH, 2 * WIDTH * INNER_WIDTH
    attention = 2 * tokens * WIDTH  # for one token: its products with all keys, and with all values
    whole_layer = tokens * (4 * projection + feed_forward + attention)
    last_layer = 2 * tokens * projection + 2 * projection + feed_forward + attention
    pooler_and_head = projection + LABELS * WIDTH
    return (LAYERS - 1) * whole_layer + last_layer + pooler_and_head


def test_the_shipped_models_macs_equal_those_calculated_by_hand() -> None:
    lengths = [4, 24, 32, 80]
    assert count_macs(SHIPPED_BUNDLE / "model.tflite", lengths) == {
        length: shipped_macs_by_hand(length) for length in lengths
    }


def test_the_mean_over_lengths_is_that_of_each() -> None:
    expected = (shipped_macs_by_hand(10) + shipped_macs_by_hand(30)) / 2
    assert mean_macs(SHIPPED_BUNDLE / "model.tflite", [10, 30]) == pytest.approx(expected)


def test_gather_and_sum_have_no_macs(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = write_bundle(tmp_path_factory.mktemp("bundle"))
    assert count_macs(bundle / "model.tflite", [4, 8]) == {4: 0, 8: 0}


def test_a_dense_layer_multiplies_each_input_with_each_output() -> None:
    assert fully_connected_macs([5, 7], [3, 7], [5, 3]) == 5 * 7 * 3


@pytest.mark.parametrize("first", [[2, 4, 5, 7], [2, 4, 7, 5]])
def test_a_product_of_matrices_counts_the_same_transposed_or_not(first: list[int]) -> None:
    assert matrix_product_macs(first, [2, 4, 7, 3], [2, 4, 5, 3]) == 2 * 4 * 5 * 7 * 3


def test_a_convolution_multiplies_each_output_with_its_window() -> None:
    assert convolution_macs([1, 8, 8, 3], [16, 5, 5, 3], [1, 8, 8, 16]) == 8 * 8 * 16 * 5 * 5 * 3


def test_a_depthwise_convolution_multiplies_within_a_channel() -> None:
    assert depthwise_convolution_macs([1, 8, 8, 3], [1, 5, 5, 3], [1, 8, 8, 3]) == 8 * 8 * 3 * 5 * 5


def test_a_file_that_is_no_model_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("no-model") / "model.tflite"
    file.write_bytes(b"nonsense")
    with pytest.raises(BundleError, match="cannot be counted"):
        count_macs(file, [4])
