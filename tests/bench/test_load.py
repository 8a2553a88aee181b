"""Latencies and counts of an open-loop load."""

import numpy as np
import pytest

from stream.bench.rig import Load
from stream.bench.service import factor_without_others
from stream.bench.statistics import latency_milliseconds


def a_load(due: list[float], arrivals: list[float], **changes: float) -> Load:
    values = {"rate": 1.0, "start_at": 0.0, "published_at": 0.0, "duplicates": 0, "rejected": 0, "latest_seconds": 0.0}
    return Load(due=np.array(due), arrivals=np.array(arrivals), **(values | changes))  # type: ignore[arg-type]


def test_a_stall_delays_each_tweet_that_was_due_meanwhile() -> None:
    # Ten tweets per second; the service stalls for the second second, and then answers all waiting tweets at once. A
    # closed loop that waits for each answer would see one latency of a second and nineteen short ones.
    due = [number / 10 for number in range(20)]
    arrivals = [at + 0.001 if at < 1 else 2.0 for at in due]
    load = a_load(due, arrivals)
    assert load.latencies[10:].tolist() == pytest.approx([1.0 - number / 10 for number in range(10)])
    found = latency_milliseconds(load.latencies)
    assert found
    assert found["p90"] == pytest.approx(800)


def test_each_tweet_is_labelled_rejected_or_lost() -> None:
    load = a_load([0, 1, 2, 3], [0.5, np.nan, 2.5, np.nan], rejected=1)
    assert (load.labelled, load.rejected, load.lost) == (2, 1, 1)
    assert load.latencies.tolist() == [0.5, 0.5]
    assert load.ended_at == 2.5


def test_the_steady_interval_begins_after_publishing() -> None:
    load = a_load([0] * 5, [1, 2, 3, 4, 5], published_at=2.0)
    assert load.steady() == (2.0, 5.0)
    assert load.labelled_between(*load.steady()) == 3


def test_a_backlog_labelled_while_publishing_counts_from_its_first_label() -> None:
    assert a_load([0] * 5, [1, 2, 3, 4, 5], published_at=4.5).steady() == (1.0, 5.0)


@pytest.mark.parametrize(("beside", "cores", "factor"), [(0.0, 2, 1.0), (0.5, 2, 4 / 3), (1.0, 4, 4 / 3)])
def test_the_cores_that_other_processes_use_are_left_out_of_the_throughput(
    beside: float, cores: int, factor: float
) -> None:
    assert factor_without_others(beside, cores) == pytest.approx(factor)
