"""`make fleet-simulation`: fifty nodes, a roll-out with a hanging, a failing and a slow node, and one without."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from tests.integration.mosquitto import PROGRAM
from tests.simulated_fleet.releases import Fault
from tests.simulated_fleet.role import role_plan
from tests.simulated_fleet.rollout import Batch
from tests.simulated_fleet.simulation import Scale, Simulated, simulate
from tests.tables import markdown_table

_FAULTS: Mapping[str, Fault] = {"pi-04": "hangs", "pi-07": "fails", "pi-11": "is slow"}
"""All in the second batch."""
_SCALE = Scale(nodes=50, tweets_per_second=1.0, inference_seconds=0.1, faults=_FAULTS, tweets_before=30)


_BRIEF = ("--tweets", "20", "--seconds", "40")


def main() -> int:
    """Run the simulation, print its tables, and return 1 if a promise was broken.

    With `--brief` the gate observes for a shorter time than the role lets it, and fewer nodes at once.
    """
    if PROGRAM is None:
        typer.echo("Mosquitto is not installed: apt-get install mosquitto", err=True)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="starling-fleet-"))
    plan = role_plan()
    if "--brief" in sys.argv:
        plan = replace(plan, before=_BRIEF[:2], after=[*plan.after, *_BRIEF], at_once=10)
    simulated = asyncio.run(simulate(folder, _SCALE, plan))
    typer.echo(report(simulated, _FAULTS))
    broken = broken_promises(simulated, _FAULTS)
    for promise in broken:
        typer.echo(f"broken: {promise}; the logs are in {folder}", err=True)
    if not broken:
        shutil.rmtree(folder)
    return 1 if broken else 0


def report(simulated: Simulated, faults: Mapping[str, Fault]) -> str:
    """Return the results as tables in Markdown."""
    rows = [
        *_rows("with faults", simulated.bad),
        ["", "not begun", str(len(simulated.releases_after_bad) - _size(simulated.bad)), "unchanged", ""],
        *_rows("repaired", simulated.good),
    ]
    nodes = [[node, faults.get(node, "none"), reason] for node, reason in _failures(simulated.bad).items()]
    account = simulated.account
    tweets = [
        f"{len(account.sent_at):,}",
        f"{sum(1 for tweet in account.sent_at if account.results[tweet]) - account.rejected:,}",
        str(len(account.missing)),
        str(account.repeated),
        f"{max(account.waits):.0f} s",
    ]
    return "\n\n".join(
        [
            markdown_table(["Roll-out", "Batch", "Nodes", "Result", "Time"], rows),
            markdown_table(["Node", "Fault", "Found by"], nodes),
            markdown_table(["Tweets", "Labelled", "Lost", "Labelled twice", "Longest wait"], [tweets]),
        ]
    )


def broken_promises(simulated: Simulated, faults: Mapping[str, Fault]) -> list[str]:
    """Return what should not have happened, a sentence each; empty if all is well."""
    begun = {node for batch in simulated.bad[:-1] for node in batch.nodes}
    expected = {node: "1.1.0" if node in begun else "1.0.0" for node in simulated.releases_after_bad}
    found = {
        "the roll-out with faults found other nodes than the faulty ones": _failures(simulated.bad).keys()
        != faults.keys(),
        "nodes have another release than they should after the roll-out with faults": simulated.releases_after_bad
        != expected,
        "the roll-out without faults stopped": bool(_failures(simulated.good)),
        "nodes have another release than they should at the end": set(simulated.releases_after_good.values())
        != {"1.1.1"},
        "tweets are lost": bool(simulated.account.missing),
        "tweets are rejected": bool(simulated.account.rejected),
    }
    return [sentence for sentence, is_true in found.items() if is_true]


def _rows(title: str, batches: Sequence[Batch]) -> list[list[str]]:
    rows = []
    for number, batch in enumerate(batches, start=1):
        result = f"stopped by {len(batch.failures)} nodes, all rolled back" if batch.failures else "updated"
        rows.append([title, str(number), str(len(batch.nodes)), result, f"{batch.seconds:.0f} s"])
    return rows


def _size(batches: Sequence[Batch]) -> int:
    return sum(len(batch.nodes) for batch in batches)


def _failures(batches: Sequence[Batch]) -> dict[str, str]:
    return {node: reason for batch in batches for node, reason in sorted(batch.failures.items())}


if __name__ == "__main__":
    sys.exit(main())
