"""Invented metrics of fifty nodes over an hour and a half, as Prometheus would have scraped and recorded them."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NODES = 50
SECONDS = 5400
STEP_SECONDS = 15
_TWEETS_PER_SECOND = 100.0
_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, math.inf)
"""Limits of the latency's buckets, in seconds."""
_SPREAD = 0.35
"""Standard deviation of the logarithm of the latency."""
_SHARES = {"negative": 0.28, "neutral": 0.40, "positive": 0.32}
_WRONG_SHARES = {"negative": 0.62, "neutral": 0.23, "positive": 0.15}
_REASONS = {"not_json": 0.004, "nothing_left": 0.011}
_DAY_SECONDS = 86_400

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Node:
    """An invented node.

    Args:
        name: Name.
        latency_seconds: Median time of a tweet.
        is_slow: Whether it is slow in the middle of the time, because it is too hot.
        is_wrong: Whether it labels wrongly after its update.
        is_metered: Whether it has a power meter.
        updated: Its update, seconds after the beginning.
    """

    name: str
    latency_seconds: float
    is_slow: bool
    is_wrong: bool
    is_metered: bool
    updated: float


def invented_nodes() -> list[Node]:
    """Return the nodes: a fifth are slower boards, one is hot, one labels wrongly, a fifth have a meter."""
    return [
        Node(
            name=f"pi-{number:02d}",
            latency_seconds=0.12 if number % 5 == 0 else 0.04,
            is_slow=number == 17,
            is_wrong=number == 23,
            is_metered=number % 5 == 1,
            updated=1800.0 if number == 1 else 2400.0 if number <= 13 else 3300.0,
        )
        for number in range(1, NODES + 1)
    ]


def invented_history(seconds: int = SECONDS) -> str:
    """Return the metrics of the last seconds in the OpenMetrics format."""
    times = np.arange(SECONDS - seconds, SECONDS + 1, STEP_SECONDS, dtype=float)
    moments = times + (int(time.time()) - SECONDS)
    chance = np.random.default_rng(26)
    families: dict[str, list[str]] = {}
    for name, labels, values in _all_series(times, chance):
        lines = families.setdefault(name, [])
        text = ",".join(f'{label}="{value}"' for label, value in labels.items())
        present = ~np.isnan(values)
        pairs = zip(values[present].tolist(), moments[present].tolist(), strict=True)
        lines += [f"{name}{{{text}}} {value:.9g} {moment:.0f}" for value, moment in pairs]
    return "".join(f"# TYPE {name} unknown\n" + "\n".join(lines) + "\n" for name, lines in families.items())


def _all_series(times: Series, chance: np.random.Generator) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    """Yield name, labels and values of each series."""
    wave = 1 + 0.35 * np.sin(times / 900) + 0.1 * np.sin(times / 140)
    per_node = _TWEETS_PER_SECOND / NODES * STEP_SECONDS * wave
    for node in invented_nodes():
        tweets = chance.poisson(np.where(_is_hot(node, times), 0.6 * per_node, per_node)).astype(float)
        for name, labels, values in _node_series(node, times, tweets, chance):
            yield name, {"job": "starling", "instance": node.name, **labels}, values
    yield from _broker_series(times, per_node * NODES)


def _is_hot(node: Node, times: Series) -> NDArray[np.bool_]:
    return node.is_slow & (times > 2700) & (times < 4200)


def _node_series(
    node: Node, times: Series, tweets: Series, chance: np.random.Generator
) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    always = np.ones_like(times)
    hot = _is_hot(node, times)
    wobble = chance.normal(0, 1, len(times))
    yield "up", {}, always
    yield "starling_ready", {}, always
    yield "starling_group_member", {}, always - (hot & (np.sin(times / 60) > 0))
    yield "starling_window_tweets", {}, 64 * always
    yield "starling_tweets_received_total", {}, np.cumsum(tweets)
    for reason, share in _REASONS.items():
        yield (
            "starling_tweets_rejected_total",
            {"reason": reason},
            _counted(share * tweets, chance),
        )
    yield from _label_series(node, times, tweets, chance)
    latency = np.where(hot, 0.5, node.latency_seconds)
    for bound in _BOUNDS:
        below = np.cumsum(tweets * _share_below(bound, latency)).round().astype(np.float64)
        yield "starling_tweet_seconds_bucket", {"le": "+Inf" if bound == math.inf else f"{bound:g}"}, below
    full = np.clip(latency * tweets / STEP_SECONDS / 4 + 0.01 * np.abs(wobble), 0, 1)
    yield "instance:starling_window:ratio", {}, np.where(hot, np.clip(0.85 + 0.1 * wobble, 0, 1), full)
    yield from _machine_series(node, always, wobble, chance)
    if node.is_metered:
        watts = 2.6 + 1.4 * np.clip(latency * tweets / STEP_SECONDS, 0, 1)
        joules = np.cumsum(watts * STEP_SECONDS)
        per_tweet = np.convolve(watts * STEP_SECONDS / np.maximum(tweets, 1), np.full(20, 0.05), mode="same")
        yield "starling_energy_joules_total", {}, joules
        yield "starling_energy_joules_per_tweet", {"share": "all"}, np.where(times > 300, per_tweet, np.nan)
    for release, used in {"1.0.0": times < node.updated, "1.1.0": times >= node.updated}.items():
        yield "starling_build_info", {"version": release, "release": release}, np.where(used, np.float64(1), np.nan)


def _label_series(
    node: Node, times: Series, tweets: Series, chance: np.random.Generator
) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    since_update = np.clip((times - node.updated) / 3600, 0, 1) if node.is_wrong else np.zeros_like(times)
    distance = np.zeros_like(times)
    for polarity, usual in _SHARES.items():
        share = usual + since_update * (_WRONG_SHARES[polarity] - usual)
        noisy = share + 0.006 * np.sin(times / 700 + chance.uniform(0, 6))
        wrong = node.is_wrong & (times > node.updated)
        now = np.where(wrong, _WRONG_SHARES[polarity], usual)
        yield (
            "starling_tweets_classified_total",
            {"polarity": polarity},
            _counted(now * tweets, chance),
        )
        yield "instance_polarity:starling_tweets_classified:share1h", {"polarity": polarity}, noisy
        distance += 0.5 * np.abs(noisy - usual)
    yield "instance:starling_label_distance:ratio", {}, distance
    confidence = chance.normal(0.79, 0.004) + 0.003 * np.sin(times / 800) - 0.09 * since_update
    yield "instance:starling_confidence_ratio:mean1h", {}, confidence


def _machine_series(
    node: Node, always: Series, wobble: Series, chance: np.random.Generator
) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    number = int(node.name[-2:])
    yield "instance:starling_disk_used:ratio", {}, always * (0.93 if number == 8 else chance.uniform(0.25, 0.7))
    level = -78.0 if number == 42 else chance.uniform(-68, -45)
    yield "starling_system_wifi_signal_dbm", {"interface": "wlan0"}, np.round(level + 1.5 * wobble)
    yield "instance:starling_clock_difference:seconds", {}, 0.004 + 0.003 * np.abs(wobble) + 0.4 * (number == 36)
    days = 17 if number == 29 else 400 + number
    for certificate, left in {"http": days, "broker": 412}.items():
        yield (
            "instance_certificate:starling_certificate_validity:seconds",
            {"certificate": certificate},
            left * _DAY_SECONDS - np.arange(len(always), dtype=float) * STEP_SECONDS,
        )


def _broker_series(times: Series, tweets: Series) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    labels = {"job": "starling", "instance": "pi-01"}
    yield "starling_broker_messages_received_total", labels, np.cumsum(2 * tweets)
    yield "starling_broker_messages_sent_total", labels, np.cumsum(3 * tweets)
    yield "starling_broker_messages_dropped_total", labels, np.zeros_like(times)
    yield "starling_broker_clients_connected", labels, np.full_like(times, 2 * NODES + 3)
    yield "starling_broker_clients_away", labels, np.zeros_like(times)
    yield "starling:broker_backlog:messages", {}, 20 + 15 * np.sin(times / 300) ** 2


def _counted(expected: Series, chance: np.random.Generator) -> Series:
    """Return a counter that grows by random numbers with these expectations."""
    return np.cumsum(chance.poisson(expected)).astype(float)


def _share_below(bound: float, median: Series) -> Series:
    """Return the share of a log-normal distribution below a bound."""
    if bound == math.inf:
        return np.ones_like(median)
    standard = np.log(bound / median) / (_SPREAD * math.sqrt(2))
    return np.asarray(0.5 * (1 + np.vectorize(math.erf)(standard)), dtype=float)
