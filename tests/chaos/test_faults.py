"""The short form of `make chaos`: all faults except the longest, 1,200 tweets each, some with both versions of MQTT."""

from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.trial import NoSmallDiskError, run_trial
from tests.integration.mosquitto import PROGRAM
from tests.unit.tiny_bundle import write_bundle

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto"),
]
_TWEETS = 1200
_SEED = 1


@pytest.mark.parametrize(
    ("fault", "protocol"),
    [(fault, protocol) for fault in FAULTS for protocol in fault.short_form],
    ids=lambda part: part.name if isinstance(part, Fault) else f"MQTT {part}",
)
async def test_all_promises_hold_after_a_fault(fault: Fault, protocol: str, tmp_path: Path) -> None:
    model = write_bundle(tmp_path / "bundle")
    try:
        outcome = await run_trial(fault, protocol, _TWEETS, _SEED, tmp_path, model)
    except NoSmallDiskError as error:
        pytest.skip(str(error))
    assert outcome.broken_promises() == []
