"""Rows of a report: a model at a precision on a device, with all its runs, or a row that the paper printed."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stream.experiment.record import RunRecord
from training.report.caveats import SCORES, Caveat, caveats
from training.report.quantities import RANDOM_WEIGHTS, Quantity, estimates_of, numbers_of
from training.report.spread import Spread, spread


@dataclass(frozen=True)
class Row:
    """The numbers of one model at one precision on one device."""

    device: str
    model: str
    precision: str
    values: dict[Quantity, Spread]
    caveats: tuple[Caveat, ...] = ()
    runs: int = 1
    from_paper: bool = False
    threads: int = 1
    data: str = ""
    data_sha256: str = ""
    seeds: tuple[int, ...] = ()
    """Seed of each run, in the order of the values."""
    correct: int = 0
    """Tweets with their gold label in all runs together; 0: not known."""
    tweets: int = 0
    """Labelled tweets in all runs together."""
    padding: str = ""
    kind: str = ""
    weights_bytes: int | None = None
    checkpoint_bytes: int | None = None
    maxima: Mapping[Quantity, float] = dataclasses.field(default_factory=dict)
    """Printed maxima; without one, the maximum of the values."""

    def mean(self, quantity: Quantity) -> float | None:
        """Return a quantity's mean over the runs; None: not known."""
        found = self.values.get(quantity)
        return found.mean if found else None

    def highest(self, quantity: Quantity) -> float | None:
        """Return a quantity's maximum over the runs; None: not known."""
        if quantity in self.maxima:
            return self.maxima[quantity]
        found = self.values.get(quantity)
        return max(found.values) if found else None

    def caveats_of(self, quantity: Quantity) -> list[Caveat]:
        """Return the caveats of a quantity; if it is not known, the reasons."""
        known = quantity in self.values
        return [caveat for caveat in self.caveats if quantity in caveat.touches and (known or caveat.is_absence)]

    @property
    def model_bytes(self) -> float | None:
        """Size of the weights as stored or, if it is not known, of the file."""
        return self.weights_bytes or self.mean(Quantity.FILE_BYTES)

    @property
    def has_scores(self) -> bool:
        """Whether its labels mean something."""
        return Quantity.ACCURACY in self.values


def rows_of(records: Iterable[RunRecord], names: Mapping[tuple[str, ...], str] | None = None) -> list[Row]:
    """Group the runs that differ in nothing but their seed.

    Args:
        records: The runs.
        names: Names of the devices, by `device_identity`; without one, the node's name.
    """
    groups: dict[tuple[object, ...], list[RunRecord]] = {}
    for record in records:
        groups.setdefault(_key(record), []).append(record)
    return [_row(sorted(runs, key=lambda run: run.seed), names or {}) for runs in groups.values()]


def device_identity(record: RunRecord) -> tuple[str, ...]:
    """Return the identity of a run's device: node name, board and, where known, serial number."""
    device = record.device
    return (device.node, device.model, *([device.serial] if device.serial else []))


def _key(record: RunRecord) -> tuple[object, ...]:
    subject, data = record.subject, record.data
    model = record.model, subject.kind, subject.precision, subject.padding, record.threads
    return device_identity(record), *model, data.name, data.sha256, data.planned


def _row(runs: Sequence[RunRecord], names: Mapping[tuple[str, ...], str]) -> Row:
    first = runs[0]
    has_scores = first.subject.base != RANDOM_WEIGHTS
    return Row(
        device=names.get(device_identity(first), first.device.node),
        model=first.model,
        precision=first.subject.precision,
        values=_values(runs),
        caveats=(*_caveats(runs), *_different_tweets(runs)),
        runs=len(runs),
        threads=first.threads,
        data=first.data.name,
        data_sha256=first.data.sha256,
        seeds=tuple(run.seed for run in runs),
        correct=sum(run.correct for run in runs) if has_scores else 0,
        tweets=sum(run.tweets for run in runs) if has_scores else 0,
        padding=first.subject.padding,
        kind=first.subject.kind,
        weights_bytes=first.subject.weights_bytes,
        checkpoint_bytes=first.subject.checkpoint_bytes,
    )


def _values(runs: Sequence[RunRecord]) -> dict[Quantity, Spread]:
    numbers = [numbers_of(run) for run in runs]
    estimates = [estimates_of(run) for run in runs]
    found = {}
    for quantity in Quantity:
        meter = [each[quantity] for each in estimates if quantity in each]
        if known := spread([each.get(quantity) for each in numbers], meter):
            found[quantity] = known
    return found


def _caveats(runs: Sequence[RunRecord]) -> tuple[Caveat, ...]:
    """Return the caveats of all runs, once each, with the seeds if not all runs have it."""
    seeds: dict[Caveat, list[int]] = {}
    for record in runs:
        for caveat in caveats(record):
            seeds.setdefault(caveat, []).append(record.seed)
    return tuple(_with_seeds(caveat, of, len(runs)) for caveat, of in seeds.items())


def _with_seeds(caveat: Caveat, seeds: Sequence[int], runs: int) -> Caveat:
    if len(seeds) == runs:
        return caveat
    listed = ", ".join(map(str, seeds))
    return dataclasses.replace(caveat, says=f"seed {listed}: {caveat.says}")


def _different_tweets(runs: Sequence[RunRecord]) -> tuple[Caveat, ...]:
    """Find runs that labelled other tweets: until schema 2, a plan with `tweets` chose them for each seed."""
    if len({run.gold_counts for run in runs if not run.data.refused}) <= 1:
        return ()
    return (Caveat("the runs labelled different tweets, so ± is not of the seeds alone", SCORES),)
