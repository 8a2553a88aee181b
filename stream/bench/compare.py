"""`starling bench compare`: our service and classifier in turns with other implementations, over the same tweets."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stream.bench.contenders import Contender, ServiceContender, TextContender, Turn, turn_size
from stream.bench.peers import BundlePeer, ProgramPeer, peer_service, read_peers
from stream.bench.result import Result, Row, describe_bundle, measuring
from stream.bench.rig import our_service, running_rig
from stream.bench.statistics import median
from stream.bench.workload import read_tweets
from stream.errors import InputError
from stream.model.bundle import find_bundle, load_bundle
from stream.processes.child import Child, module_command
from stream.settings import Settings

SERVICE, CLASSIFIER = "starling-service", "starling-classifier"
_SEED = 1
_AGREEMENT_TWEETS = 200


@dataclass(frozen=True)
class Plan:
    """Parameters of `starling bench compare`."""

    settings: Settings
    peers: Path
    tweets: str | None = None
    seconds: float = 10.0
    """Duration of a turn."""
    rounds: int = 5
    only: Sequence[str] = ()
    """Names of the peers to measure; empty: all."""


@dataclass(frozen=True)
class Entry:
    """A contender with its name and description."""

    name: str
    words: str
    contender: Contender
    same_weights: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)


def bench_compare(plan: Plan, on_step: Callable[[str], None]) -> Result:
    """Measure our service, our classifier and the peers in turns, round after round.

    Raises:
        StarlingError: A peer cannot be started, ends, or loses tweets.
    """
    peers = _wanted(plan)
    bundle = load_bundle(plan.settings.model.path)
    settings = {"seconds": plan.seconds, "rounds": plan.rounds, "tweets": plan.tweets or "samples"}
    result = Result("compare", settings, [describe_bundle(bundle)])
    with measuring(result), ExitStack() as parts:
        starter = _Starter(parts, plan)
        entries = [starter.service(), starter.bundle(_ourselves(plan.settings))]
        for peer in peers:
            on_step(f"starting {peer.name}")
            entries.append(starter.peer(peer))
        turns = _turns(entries, plan, on_step)
        result.rows = [_row(entry, turns) for entry in entries]
        result.findings = _agreement(entries)
    return result


def _wanted(plan: Plan) -> list[ProgramPeer | BundlePeer]:
    peers = read_peers(plan.peers)
    names = [peer.name for peer in peers]
    for name in plan.only:
        if name not in names:
            raise InputError(f"{plan.peers} has no peer '{name}'; its peers are {', '.join(names)}")
    return [peer for peer in peers if not plan.only or peer.name in plan.only]


def _ourselves(settings: Settings) -> BundlePeer:
    return BundlePeer(
        name=CLASSIFIER,
        words="our classifier alone, on one core",
        kind="bundle",
        path=find_bundle(settings.model.path),
        same_weights=True,
    )


class _Starter:
    """Starts contenders, which end when the context of their parts ends."""

    def __init__(self, parts: ExitStack, plan: Plan) -> None:
        self._parts = parts
        self._plan = plan
        self._texts = [source.tweet.text for source in read_tweets(plan.tweets)]
        random.Random(_SEED).shuffle(self._texts)  # noqa: S311  (a short turn must contain all kinds of tweets)

    def service(self) -> Entry:
        rig = self._parts.enter_context(running_rig(our_service(self._plan.settings), None, self._plan.tweets))
        return Entry(SERVICE, "our service, behind Mosquitto, on all cores", ServiceContender(rig))

    def peer(self, peer: ProgramPeer | BundlePeer) -> Entry:
        if isinstance(peer, BundlePeer):
            return self.bundle(peer)
        if peer.kind == "service":
            rig = self._parts.enter_context(running_rig(peer_service(peer), None, self._plan.tweets))
            return Entry(peer.name, peer.words, ServiceContender(rig))
        return self._texts_to(peer, peer.command)

    def bundle(self, peer: BundlePeer) -> Entry:
        options = ("--bundle", peer.path, "--interpreters", "1")
        return self._texts_to(peer, module_command("stream.bench.worker", *options))

    def _texts_to(self, peer: ProgramPeer | BundlePeer, command: Sequence[str]) -> Entry:
        child = self._parts.enter_context(Child(peer.name, command))
        return Entry(peer.name, peer.words, TextContender(child, self._texts), peer.same_weights, child.about)


Turns = Mapping[str, Sequence[Turn]]


def _turns(entries: Sequence[Entry], plan: Plan, on_step: Callable[[str], None]) -> Turns:
    sizes = {}
    for entry in entries:
        on_step(f"warming up: {entry.name}")
        sizes[entry.name] = turn_size(entry.contender, plan.seconds)
    turns: dict[str, list[Turn]] = {entry.name: [] for entry in entries}
    for number in range(plan.rounds):
        for entry in entries:
            on_step(f"round {number + 1} of {plan.rounds}: {entry.name}, {sizes[entry.name]} tweets")
            turns[entry.name].append(entry.contender.turn(sizes[entry.name]))
    return turns


def _row(entry: Entry, turns: Turns) -> Row:
    """Result row: medians of the rounds, and medians of each round's ratio to ours."""
    found = turns[entry.name]
    rates = [turn.tweets_per_second for turn in found]
    cpu = [1000 * turn.cpu_seconds_per_tweet for turn in found]
    faster = [ours.tweets_per_second / rate for ours, rate in zip(turns[SERVICE], rates, strict=True)]
    cheaper = [spent / (1000 * ours.cpu_seconds_per_tweet) for ours, spent in zip(turns[CLASSIFIER], cpu, strict=True)]
    return {
        "name": entry.name,
        "words": entry.words,
        "library": entry.about.get("library"),
        "tweets": sum(turn.tweets for turn in found),
        "tweets_per_second": round(median(rates), 3),
        "tweets_per_second_of_rounds": [round(rate, 3) for rate in rates],
        "cpu_ms_per_tweet": round(median(cpu), 4),
        "cpu_ms_per_tweet_of_rounds": [round(spent, 4) for spent in cpu],
        "service_times_tweets_per_second": round(median(faster), 3),
        "classifier_times_less_cpu": round(median(cheaper), 3),
        "resident_bytes": entry.contender.resident_bytes(),
    }


def _agreement(entries: Sequence[Entry]) -> dict[str, Any]:
    """Share of labels equal to ours, for contenders with the same weights: a fast but wrong contender is visible."""
    texts = {entry.name: entry.contender for entry in entries if entry.same_weights}
    labels = {
        name: contender.labels(_AGREEMENT_TWEETS)
        for name, contender in texts.items()
        if isinstance(contender, TextContender)
    }
    ours = labels.pop(CLASSIFIER)
    return {
        f"labels_of_{name}_equal_to_ours": sum(map(str.__eq__, ours, theirs)) / len(ours)
        for name, theirs in labels.items()
    }
