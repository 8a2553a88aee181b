"""The comparison of outputs: only differences between machines are allowed."""

import pytest

from tests.documents.matching import difference


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("positive 0.88    6.3 ms wow", "positive 0.87   16.3 ms wow"),
        ("│ labelled │ 415 (111 negative) │\n└───┘", "│ labelled   │ 415 (109 negative) │\n└───────┘"),
        ("│ time │ 17.7 s, 25.0 tweets/s │", "│ time │ 4.4 s, 100.2 tweets/s │"),
        ("first\n…\nlast", "first\nsecond\nthird\nlast"),
        ("first\n…", "first\nsecond"),
        ("a hash … and so on", "a hash c1a79904b468 and so on"),
        ("12,000 people", "12,000 people"),
    ],
)
def test_output_that_differs_only_by_the_machine_is_equal(shown: str, printed: str) -> None:
    assert difference(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ("positive 0.915281", "positive 0.884578", "positive 0.915281"),
        ("│ published │ 443 │", "│ published │ 444 │", "│ published │ 443 │"),
        ("415 (102 negative)", "415 (111 negative)", "415 (102 negative)"),
        ("positive 0.88 wow", "negative 0.88 wow", "positive 0.88 wow"),
        ("first\n…\nlast", "first\nsecond", "last"),
        ("first", "first\nsecond", "the end; the program also printed: second"),
        ("first", "", "first"),
    ],
)
def test_other_output_is_not_equal(shown: str, printed: str, missing: str) -> None:
    assert difference(shown, printed) == missing
