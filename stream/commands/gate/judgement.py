"""Comparison of a node after an update with its own past and with its peers.

A complaint needs evidence: the difference must exceed its limit also at the near end of its confidence interval, so
that few tweets convict only a release that is very bad. And it must hold against the past and against the peers,
because a feed can change while a node is updated, which the peers see too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from stream.commands.gate.readings import Counts, Histogram
from stream.commands.gate.watching import Observation, Past

_Z = 3.29
"""Confidence of 99.9 %, because a roll-out makes some ten comparisons on each of many nodes."""
_FEWEST_EXPECTED = 10.0
"""Tweets that a node must have missed before its silence is a complaint."""
_SLOW_SECONDS = 1.0
_TOLERANCE_SECONDS = 0.005
"""Additional tolerance, because a time of one or two milliseconds can double without harm."""
_MEDIAN_RATIO = 1.3
"""Ratio of the medians from which a longer mean is not due to a few tweets alone."""
_NEW_NODE_FACTOR = 5.0
"""A node without a past may be this much slower than the median of its peers, which can be faster machines."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the differences between a node after an update and before it.

    Args:
        latency_ratio: Ratio of the mean times per tweet.
        rejected_rise: Rise of the share of rejected messages.
        slow_rise: Rise of the share of tweets that take more than a second.
        label_shift: Change of the share of a polarity.
        confidence_drop: Drop of the mean confidence.
        stuck_seconds: Time without an answer, or with tweets in progress and none finished.
    """

    latency_ratio: float = 2.0
    rejected_rise: float = 0.05
    slow_rise: float = 0.05
    label_shift: float = 0.2
    confidence_drop: float = 0.05
    stuck_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node, before and after the update of the judged node."""

    before: Past
    after: Past


def complaints(past: Past | None, seen: Observation, peers: Sequence[Peer], limits: Limits) -> list[str]:
    """Return what is wrong with a node after an update, a sentence each; empty if nothing is.

    Args:
        past: The node before the update; None: it is new.
        seen: The node after the update.
        peers: Nodes that were not updated meanwhile; may be empty.
        limits: The accepted differences.
    """
    broken = _broken(seen, limits)
    if broken:
        return broken
    others = sum((peer.after.counts for peer in peers), Counts())
    references = [counts for counts in (past.counts if past else Counts(), others) if counts.received]
    return [
        *_silent(past, seen, peers),
        *_rejects(seen.counts, references, limits),
        *_shifted(seen.counts, references, limits),
        *_doubts(seen.counts, references, limits),
        *_slow(past, seen, peers, limits),
        *_stalls(seen.counts, references, limits),
    ]


def _broken(seen: Observation, limits: Limits) -> list[str]:
    """Return faults that need no comparison."""
    if seen.restarted:
        return ["the service was restarted while it was observed"]
    if seen.silent_seconds > limits.stuck_seconds:
        return [f"the service has not answered for {seen.silent_seconds:.0f} s"]
    if seen.stuck_seconds > limits.stuck_seconds:
        return [f"tweets are in progress and none was finished for {seen.stuck_seconds:.0f} s"]
    return [] if seen.ready else ["the service is not ready at the end of the observation"]


def _silent(past: Past | None, seen: Observation, peers: Sequence[Peer]) -> list[str]:
    """Complain if a node receives nothing that its past or its peers make expect."""
    if seen.counts.received:
        return []
    if peers:
        expected = seen.seconds * median(peer.after.received_per_second for peer in peers)
        return [f"it received no tweet, its peers {expected:.0f} each"] if expected >= _FEWEST_EXPECTED else []
    expected = seen.seconds * past.received_per_second if past else 0.0
    return (
        [f"it received no tweet in a time in which it received {expected:.0f} before"]
        if (expected >= _FEWEST_EXPECTED)
        else []
    )


def _rejects(seen: Counts, references: Sequence[Counts], limits: Limits) -> list[str]:
    shares = [(each.rejected, each.received) for each in references]
    if not _exceeds((seen.rejected, seen.received), shares, limits.rejected_rise):
        return []
    return [f"{_percent(seen.rejected, seen.received)} of the messages are rejected, {_compared(shares)}"]


def _stalls(seen: Counts, references: Sequence[Counts], limits: Limits) -> list[str]:
    shares = [(each.seconds.above(_SLOW_SECONDS), each.seconds.count) for each in references]
    now = (seen.seconds.above(_SLOW_SECONDS), seen.seconds.count)
    if not _exceeds(now, shares, limits.slow_rise):
        return []
    return [f"{_percent(*now)} of the tweets take more than {_SLOW_SECONDS:g} s, {_compared(shares)}"]


def _shifted(seen: Counts, references: Sequence[Counts], limits: Limits) -> list[str]:
    found = []
    for polarity, labels in seen.labels.items():
        shares = [(each.labels.get(polarity, 0.0), each.labelled) for each in references]
        rest = [(whole - part, whole) for part, whole in shares]
        now = (labels, seen.labelled)
        more = _exceeds(now, shares, limits.label_shift)
        fewer = _exceeds((seen.labelled - labels, seen.labelled), rest, limits.label_shift)
        if more or fewer:
            found.append(f"{_percent(*now)} of the labels are {polarity}, {_compared(shares)}")
    return found


def _doubts(seen: Counts, references: Sequence[Counts], limits: Limits) -> list[str]:
    known = [each.confidence for each in references if each.confidence.count]
    if not known or not all(_is_lower(seen.confidence, each, limits.confidence_drop) for each in known):
        return []
    before = " and ".join(f"{each.mean:.2f}" for each in known)
    return [f"the mean confidence is {seen.confidence.mean:.2f}, in comparison {before}"]


def _is_lower(now: Histogram, before: Histogram, allowed: float) -> bool:
    if not now.count:
        return False
    error = sqrt(now.variance / now.count + before.variance / before.count)
    return before.mean - now.mean - _Z * error > allowed


def _slow(past: Past | None, seen: Observation, peers: Sequence[Peer], limits: Limits) -> list[str]:
    now = seen.counts.seconds
    if past and past.counts.seconds.count:
        before, factor = past.counts.seconds, limits.latency_ratio * _slowdown(peers)
    else:
        before = sum((peer.after.counts.seconds for peer in peers), Histogram())
        factor = limits.latency_ratio * _NEW_NODE_FACTOR
    if not before.count or not now.count:
        return []
    most = before.mean * factor + _TOLERANCE_SECONDS
    usual = now.quantile(0.5) > _MEDIAN_RATIO * before.quantile(0.5)
    if now.mean - _Z * sqrt(now.variance / now.count) <= most or not usual:
        return []
    times = (_milliseconds(each) for each in (now.mean, before.mean, most))
    return ["a tweet takes {}, in comparison {}; the limit is {}".format(*times)]


def _slowdown(peers: Sequence[Peer]) -> float:
    """Return how much slower the peers have become meanwhile, at least 1: a busier feed slows all nodes."""
    times = [(peer.before.counts.seconds.mean, peer.after.counts.seconds.mean) for peer in peers]
    return max(1.0, median([after / before for before, after in times if before and after] or [1.0]))


def _exceeds(now: tuple[float, float], references: Iterable[tuple[float, float]], allowed: float) -> bool:
    """Return whether a share exceeds each of the reference shares by more than is allowed, beyond chance."""
    known = [(part, whole) for part, whole in references if whole]
    return bool(known) and now[1] > 0 and all(_least_difference(now, each) > allowed for each in known)


def _least_difference(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the lower end of the confidence interval of the difference of two shares (Newcombe 1998, method 10)."""
    (share, lower, _), (other_share, _, other_upper) = _wilson(*one), _wilson(*other)
    return share - other_share - sqrt((share - lower) ** 2 + (other_upper - other_share) ** 2)


def _wilson(part: float, whole: float) -> tuple[float, float, float]:
    """Return a share and the ends of its confidence interval (Wilson 1927)."""
    share = part / whole
    middle = share + _Z**2 / (2 * whole)
    half = _Z * sqrt(share * (1 - share) / whole + _Z**2 / (4 * whole**2))
    scale = 1 + _Z**2 / whole
    return share, (middle - half) / scale, (middle + half) / scale


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}"


def _compared(shares: Iterable[tuple[float, float]]) -> str:
    return "in comparison " + " and ".join(_percent(part, whole) for part, whole in shares if whole)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
