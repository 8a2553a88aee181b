"""A count from the graph is checked against one by head."""

import pytest

from stream.bench.macs import mean_multiply_accumulates, multiply_accumulates
from stream.bundle import SHIPPED_BUNDLE, load_bundle

HIDDEN, INNER, LAYERS, LABELS = 384, 1536, 6, 3


def by_head(tokens: int) -> int:
    """The shipped model's; of the last layer only [CLS] asks, attends and is computed further."""

    def layer(readers: int) -> int:
        keys_and_values = 2 * tokens * HIDDEN**2
        query_and_output = 2 * readers * HIDDEN**2
        attention = 2 * readers * tokens * HIDDEN
        return keys_and_values + query_and_output + attention + 2 * readers * HIDDEN * INNER

    return (LAYERS - 1) * layer(tokens) + layer(1) + HIDDEN**2 + HIDDEN * LABELS


@pytest.mark.parametrize("tokens", [5, 32])
def test_products_are_counted_as_one_does_by_head(tokens: int) -> None:
    assert multiply_accumulates(load_bundle(SHIPPED_BUNDLE), tokens) == by_head(tokens)


def test_a_mean_is_that_of_each_length() -> None:
    expected = (by_head(10) + by_head(30)) / 2
    assert mean_multiply_accumulates(load_bundle(SHIPPED_BUNDLE), [10, 30]) == pytest.approx(expected)
