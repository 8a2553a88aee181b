"""The short form of `make chaos`: the faults that strike once, a few hundred tweets each."""

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
_TWEETS = 400
_SEED = 1


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.quick], ids=lambda fault: fault.name)
async def test_every_tweet_is_accounted_for_after(fault: Fault, tmp_path: Path) -> None:
    model = write_bundle(tmp_path / "bundle")
    try:
        outcome = await run_trial(fault, "5", _TWEETS, _SEED, tmp_path, model)
    except NoSmallDiskError as error:
        pytest.skip(str(error))
    assert outcome.broken_promises() == []
