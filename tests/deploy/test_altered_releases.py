"""The altered releases of the fleet's tests change code that exists."""

import pytest

from tests.fleet.image import CHECKOUT
from tests.fleet.wheels import DYING, GOOD, MUTE, NEGATIVE, REJECTING, SLOW, WEDGED, Change


@pytest.mark.parametrize("change", [MUTE, DYING, SLOW, NEGATIVE, REJECTING, WEDGED, GOOD])
def test_the_changed_text_is_in_the_file(change: Change) -> None:
    file, text, _ = change
    assert text in (CHECKOUT / file).read_text(encoding="utf-8")
