"""Rows of a report: a model at a precision on a device, its runs brought together, or what the paper printed of one."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream.experiment.results import CellResult
from stream.experiment.summary import Summary, summarise
from training.report.caveats import Caveat, caveats
from training.report.quantities import Numbers, Quantity, numbers_of
from training.report.spread import Spread, spread


@dataclass(frozen=True)
class Row:
    """What is known of one pair of device and precision."""

    device: str
    model: str
    precision: str
    values: dict[Quantity, Spread]
    caveats: tuple[Caveat, ...] = ()
    runs: int = 1
    from_paper: bool = False
    threads: int = 1
    data: str = ""
    correct: int = 0
    """Tweets with their gold label, of all runs; 0 where it is not known."""
    tweets: int = 0
    padding: str = ""
    kind: str = ""
    weights_bytes: int | None = None
    checkpoint_bytes: int | None = None

    def mean(self, quantity: Quantity) -> float | None:
        """A quantity's mean over the runs; None where it is not known."""
        found = self.values.get(quantity)
        return found.mean if found else None

    def caveats_of(self, quantity: Quantity) -> list[Caveat]:
        """What is to be said beside a quantity: of one that is not known, why."""
        known = quantity in self.values
        return [caveat for caveat in self.caveats if quantity in caveat.touches and (known or caveat.is_absence)]


Run = tuple[CellResult, Summary]


def rows_of(results: Iterable[CellResult]) -> list[Row]:
    """Bring together the runs that differ in nothing but their seed."""
    groups: dict[tuple[object, ...], list[Run]] = {}
    for result in results:
        groups.setdefault(_key(result), []).append((result, summarise(result)))
    return [_row(runs) for runs in groups.values()]


def _key(result: CellResult) -> tuple[object, ...]:
    device, data = result.device, result.data
    return device.node, device.model, result.model, result.subject.precision, result.threads, data.name, data.sha256


def _row(runs: Sequence[Run]) -> Row:
    first = runs[0][0]
    numbers = [numbers_of(*run) for run in runs]
    return Row(
        device=first.device.node,
        model=first.model,
        precision=first.subject.precision,
        values=_together(numbers),
        caveats=_caveats(runs),
        runs=len(runs),
        threads=first.threads,
        data=first.data.name,
        correct=sum(summary.correct for _, summary in runs),
        tweets=sum(summary.tweets for _, summary in runs),
        padding=first.subject.padding,
        kind=first.subject.kind,
        weights_bytes=first.subject.weights_bytes,
        checkpoint_bytes=first.subject.checkpoint_bytes,
    )


def _together(numbers: Sequence[Numbers]) -> dict[Quantity, Spread]:
    spreads = {quantity: spread([each.get(quantity) for each in numbers]) for quantity in Quantity}
    return {quantity: found for quantity, found in spreads.items() if found}


def _caveats(runs: Sequence[Run]) -> tuple[Caveat, ...]:
    """Those of all runs, each once where it is of all of them, else with the seeds that it is of."""
    seeds: dict[Caveat, list[int]] = {}
    for result, summary in runs:
        for caveat in caveats(result, summary):
            seeds.setdefault(caveat, []).append(result.seed)
    return tuple(_told(caveat, of, len(runs)) for caveat, of in seeds.items())


def _told(caveat: Caveat, seeds: Sequence[int], runs: int) -> Caveat:
    if len(seeds) == runs:
        return caveat
    listed = ", ".join(map(str, seeds))
    return dataclasses.replace(caveat, says=f"seed {listed}: {caveat.says}")
