"""A node with a power meter, which the service opens from within its sandbox."""

import pytest

from tests.fleet import meter
from tests.fleet.conftest import Fleet


@pytest.fixture
def metered(fleet: Fleet) -> Fleet:
    if not fleet.has_meter:
        pytest.skip("the simulated Uno cannot be built: run `make system-packages`")
    return fleet


def test_prometheus_has_the_power_of_the_node_with_a_meter(metered: Fleet) -> None:
    watts = metered.query("starling_power_watts")

    assert watts == {meter.NODE: pytest.approx(meter.AMPERES * meter.SUPPLY_VOLTS, rel=0.05)}


def test_the_meter_lost_no_frame_and_is_marked_as_simulated(metered: Fleet) -> None:
    assert metered.query('starling_power_meter_up{source="acs712-simulated"}') == {meter.NODE: 1.0}
    assert metered.query("starling_power_frames_lost_total") == {meter.NODE: 0.0}
