"""The record of a run: all that a report needs, without the columns. The index has one per line."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from stream.experiment.measures import confusion
from stream.experiment.results import CellResult, Data, Device, Subject
from stream.experiment.summary import Number, Summary, summarise
from stream.telemetry.resources import THROTTLED_BITS

Confusion = list[list[int]]
"""Tweets by gold label (rows) and given label (columns), both in the order of POLARITIES."""
PHASES = ("before", "during", "after")
_PAST_BITS = 16


class RunRecord(Summary):
    """A run: what ran where, and its numbers."""

    schema_version: Literal[2] = Field(alias="schema")
    cell: str
    model: str
    seed: int
    threads: int
    started_at: datetime
    planned_at: datetime | None
    plan_sha256: str
    device: Device
    subject: Subject
    data: Data
    load_seconds: Number
    cool_down_seconds: float = 0.0
    confusion: Confusion | None = None
    """None: not recorded."""
    entity_confusions: dict[str, Confusion] | None = None
    """Confusion of each entity's tweets; None: the data names no entity."""
    throttled: tuple[str, ...] = ()
    """Reasons for which the firmware held the processor back during the run."""
    planned_samples: dict[str, int]
    """Planned number of samples, by phase."""
    power_source: str | None = None
    clock_offset_seconds: float = 0.0
    clock_error_seconds: float = 0.0

    @property
    def gold_counts(self) -> tuple[int, ...]:
        """Number of tweets by gold label; empty if it was not recorded."""
        return tuple(map(sum, self.confusion or ()))


def record_of(result: CellResult) -> RunRecord:
    """Compute the record of a run."""
    summary = summarise(result)
    power = result.power
    return RunRecord(
        **{name: getattr(summary, name) for name in Summary.model_fields},
        schema=2,
        cell=result.cell,
        model=result.model,
        seed=result.seed,
        threads=result.threads,
        started_at=result.started_at,
        planned_at=result.planned_at,
        plan_sha256=result.plan_sha256,
        device=result.device,
        subject=result.subject,
        data=result.data,
        load_seconds=result.load_seconds,
        cool_down_seconds=result.cool_down_seconds,
        confusion=confusion(result.tweets.gold, result.tweets.given).tolist(),
        entity_confusions=_by_entity(result),
        throttled=tuple(throttling_reasons(result)),
        planned_samples={name: _planned(result, name) for name in PHASES},
        power_source=power.source if power else None,
        clock_offset_seconds=power.clock_offset_seconds if power else 0.0,
        clock_error_seconds=power.clock_error_seconds if power else 0.0,
    )


def throttling_reasons(result: CellResult) -> list[str]:
    """Return why the firmware held the processor back during a run, from its samples and from bits that stay set."""
    before, after = result.throttled_bits
    stayed = ((after or 0) & ~(before or 0)) >> _PAST_BITS
    sampled = 0
    for bits in result.samples.columns["throttled_bits"]:
        sampled |= int(bits or 0)
    return [reason for bit, reason in THROTTLED_BITS.items() if (sampled | stayed) >> bit & 1]


def _planned(result: CellResult, phase: str) -> int:
    thinned_by = result.samples.thinned_by if phase == "during" else 1
    return int(getattr(result.phases, phase).seconds * result.samples.per_second / thinned_by)


def _by_entity(result: CellResult) -> dict[str, Confusion] | None:
    tweets = result.tweets
    names = sorted({entity for entity in tweets.entities or () if entity is not None})
    if not names or tweets.entities is None:
        return None
    confusions = {}
    for name in names:
        chosen = [number for number, entity in enumerate(tweets.entities) if entity == name]
        gold, given = ([column[number] for number in chosen] for column in (tweets.gold, tweets.given))
        confusions[name] = confusion(gold, given).tolist()
    return confusions
