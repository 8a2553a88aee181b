"""`make chaos`: run every fault with MQTT 5 and 3.1.1, and print a table of the counts.

python -m tests.chaos [TWEETS [SEED]]
"""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.trial import NoSmallDiskError, Outcome, run_trial
from tests.tables import markdown_table
from tests.unit.tiny_bundle import write_bundle

_TWEETS = 4000
_SEED = 1
_COLUMNS = ("fault", "MQTT", "tweets", "lost", "repeated", "may repeat", "held at most", "recovered in", "promises")


def main() -> None:
    """Run all trials one after the other; exit with 1 if a promise was broken."""
    given = [int(argument) for argument in sys.argv[1:]]
    tweets, seed = (*given, *(_TWEETS, _SEED)[len(given) :])
    logging.disable(logging.CRITICAL)  # connections log an error each time they are cut
    rows = []
    kept = True
    with tempfile.TemporaryDirectory(prefix="starling-chaos-") as folder:
        model = write_bundle(Path(folder) / "bundle")
        for number, (fault, protocol) in enumerate(
            (fault, protocol) for fault in FAULTS for protocol in ("5", "3.1.1")
        ):
            print(f"{fault.name}, MQTT {protocol} ...", file=sys.stderr)  # noqa: T201
            place = Path(folder) / str(number)
            place.mkdir()
            outcome = _tried(fault, protocol, tweets, seed, place, model)
            rows.append(_cells(outcome) if outcome else [fault.name, protocol, *[""] * 6, "not tried: not root"])
            kept &= outcome is None or not outcome.broken_promises()
    print(markdown_table(_COLUMNS, rows))  # noqa: T201
    sys.exit(not kept)


def _tried(fault: Fault, protocol: str, tweets: int, seed: int, place: Path, model: Path) -> Outcome | None:
    try:
        return asyncio.run(run_trial(fault, protocol, tweets, seed, place, model))
    except NoSmallDiskError:
        return None


def _cells(outcome: Outcome) -> list[str]:
    counts = (outcome.tweets, outcome.lost, outcome.repeated, outcome.may_repeat, outcome.most_held)
    recovery = "" if outcome.recovery_seconds is None else f"{outcome.recovery_seconds:.1f} s"
    promises = "; ".join(outcome.broken_promises()) or "kept"
    return [outcome.fault, outcome.protocol, *(str(count) for count in counts), recovery, promises]


if __name__ == "__main__":
    main()
