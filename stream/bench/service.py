"""`starling bench service`: end-to-end measurement of the service, from MQTT in to MQTT out."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from stream.bench.energy import EnergyLog
from stream.bench.phases import backlog_row, bare_row, open_loop_row, tweets_per_second
from stream.bench.processor_time import SAMPLE_SECONDS
from stream.bench.result import Result, Row, describe_bundle, measuring
from stream.bench.rig import SERVICE, Rig, our_service, running_rig
from stream.bench.statistics import LEAST_QUERIES, Arrivals, check_enough
from stream.model.bundle import Bundle, load_bundle
from stream.model.loading import available_cores
from stream.model.parallelism import choose_parallelism
from stream.processes.child import Child, module_command
from stream.settings import BrokerSettings, Settings

_ANSWER_SECONDS = 3600.0
_PROBE_TWEETS = 400
_SINGLE_TWEETS_PER_SECOND = 17.1
"""MLPerf's 1,024 queries in its 60 s; each is finished long before the next arrives."""
_RARE_TWEETS_PER_SECOND = 2.0
"""A rate at which caches and processor are cold at each tweet; too few for MLPerf's rule within a minute."""
_LEAST_IDLE_SECONDS = 2.0
_MAX_PUBLISHER_DELAY_SECONDS = 0.01


@dataclass(frozen=True)
class Plan:
    """Parameters of `starling bench service`."""

    settings: Settings
    broker: BrokerSettings | None = None
    tweets: str | None = None
    rate: float = 0.0
    """Tweets per second; 0: saturation throughput is measured, then latency at half of it."""
    arrivals: Arrivals = "poisson"
    seconds: float = 60.0
    rounds: int = 3
    overload: float = 0.0
    """Multiple of the saturation throughput that is sent for `seconds` at the end; 0: no overload."""
    quick: bool = False


def bench_service(plan: Plan, on_step: Callable[[str], None]) -> Result:
    """Measure the service behind a broker in turns with the bare classifier.

    Args:
        plan: What to measure.
        on_step: Called with a description of each step.

    Raises:
        StarlingError: A part cannot be started, or the measurement would be too short.
    """
    check_enough(plan.seconds, quick=plan.quick)
    bundle = load_bundle(plan.settings.model.path)
    plan = replace(plan, settings=_with_parallelism(plan.settings, bundle))
    result = Result("service", _settings_json(plan), [describe_bundle(bundle)])
    with measuring(result), ExitStack() as parts:
        energy = parts.enter_context(EnergyLog(plan.settings.power))
        on_step("starting the bare classifier, a broker, the service, a publisher and a subscriber")
        bare = parts.enter_context(Child("the bare classifier", _bare_command(plan)))
        rig = parts.enter_context(running_rig(our_service(plan.settings), plan.broker, plan.tweets))
        result.machine["versions"]["broker"] = rig.broker.version
        _Session(plan, result, rig, bare, energy, on_step).run()
    if plan.quick:
        result.warnings.append(f"quick run: a reliable latency needs at least {LEAST_QUERIES} queries and 60 s")
    return result


@dataclass
class _Session:
    """The phases in their order; each adds result rows."""

    plan: Plan
    result: Result
    rig: Rig
    bare: Child
    energy: EnergyLog
    on_step: Callable[[str], None]

    def run(self) -> None:
        self.idle()
        self.single()
        if self.plan.rate:
            self.at_rate("at the given rate", self.plan.rate)
            return
        saturation = self.saturated()
        tenth = self.at_rate("a tenth of saturation", saturation / 10)
        self.find("p99_at_a_tenth_over_median_inference", tenth["latency_ms"]["p99"], "median_inference_ms")
        half = self.at_rate("half of saturation", saturation / 2)
        self.find("p99_at_half_over_median_inference", half["latency_ms"]["p99"], "median_inference_ms")
        if self.plan.overload:
            self.overloaded(saturation)

    def idle(self) -> None:
        self.on_step("idle")
        start = time.monotonic()
        time.sleep(max(_LEAST_IDLE_SECONDS, self.plan.seconds / 6))
        end = time.monotonic()
        time.sleep(2 * SAMPLE_SECONDS)  # until there is a sample after `end`
        service = self.rig.sampled[SERVICE]
        self.result.findings |= {
            "ready_seconds": round(self.rig.ready.seconds, 3),
            "ready_cpu_seconds": round(self.rig.ready.cpu_seconds, 3),
            "idle_cpu_ratio": round(service.cpu_between(start, end) / (end - start), 5),
            "idle_resident_bytes": service.last_resident_bytes,
        }

    def single(self) -> None:
        """Measure single tweets on an idle service: each should take its inference time plus MQTT."""
        self.on_step("one tweet at a time")
        self.rig.load(_PROBE_TWEETS)  # to warm up
        found = self.bare_alone("one after the other", 0.0)
        self.result.findings["median_inference_ms"] = found
        for phase, suffix, rate in (
            ("one at a time", "", _SINGLE_TWEETS_PER_SECOND),
            ("two per second", "_at_two_per_second", _RARE_TWEETS_PER_SECOND),
        ):
            inference = f"median_inference_ms_after_a_pause{suffix}"
            pace = f"each after a pause of {1000 / rate:.0f} ms"
            self.result.findings[inference] = self.bare_alone(pace, 1 / rate)
            lone = self.at_rate(phase, rate, "even", least=1)
            self.find(f"lone_median_over_median_inference{suffix}", lone["latency_ms"]["p50"], inference)

    def bare_alone(self, pace: str, pause: float) -> float:
        """Measure the bare classifier with single tweets; returns the median in milliseconds."""
        job = {"window": 1, "batch": 1, "interpreters": 1, "pause": pause, "seconds": self.plan.seconds / 2}
        row = bare_row(f"bare classifier, {pace}", [self.ask_bare(job)], with_latency=True)
        self.result.rows.append(row)
        return float(row["latency_ms"]["p50"])

    def saturated(self) -> float:
        """Measure the bare classifier and the service in turns, so that other load on the machine affects both.

        Returns:
            The service's throughput in tweets per second.
        """
        seconds = self.plan.seconds / self.plan.rounds
        count = math.ceil(seconds * tweets_per_second(self.rig.load(_PROBE_TWEETS))) + _PROBE_TWEETS
        settings = self.plan.settings
        job = {"window": settings.broker.receive_maximum, "batch": settings.model.max_batch, "interpreters": None}
        alone, loads = [], []
        for turn in range(self.plan.rounds):
            self.on_step(f"saturation, round {turn + 1} of {self.plan.rounds}")
            alone.append(self.ask_bare({**job, "pause": 0.0, "seconds": seconds}))
            loads.append(self.rig.load(count))
        bare = bare_row("bare classifier, saturated", alone, with_latency=False)
        ours = backlog_row("saturated", self.rig, loads, self.energy)
        self.result.rows += [bare, ours]
        for name in ("tweets_per_second", "cpu_ms_per_tweet"):
            self.result.findings[f"service_over_bare_{name}"] = round(ours[name] / bare[name], 4)
        beside = sum(ours["beside_cpu_ms_per_tweet"].values()) * ours["tweets_per_second"] / 1000
        self.result.findings["service_over_bare_tweets_per_second_of_its_cores"] = round(
            factor_without_others(beside, available_cores()) * ours["tweets_per_second"] / bare["tweets_per_second"], 4
        )
        return float(ours["tweets_per_second"])

    def at_rate(self, phase: str, rate: float, arrivals: Arrivals | None = None, least: int = LEAST_QUERIES) -> Row:
        self.on_step(f"{phase}: {rate:.1f} tweets per second")
        least = 1 if self.plan.quick else least
        load = self.rig.load(max(least, math.ceil(rate * self.plan.seconds)), rate, arrivals or self.plan.arrivals)
        row = open_loop_row(phase, self.rig, load, self.energy)
        self.result.rows.append(row)
        if load.latest_seconds > _MAX_PUBLISHER_DELAY_SECONDS:
            self.result.warnings.append(
                f"{phase}: the publisher was up to {1000 * load.latest_seconds:.0f} ms late; latency is measured from "
                "each tweet's due time and includes this delay"
            )
        return row

    def overloaded(self, saturation: float) -> None:
        rate = self.plan.overload * saturation
        self.on_step(f"overload: {rate:.0f} tweets per second, until all are labelled")
        load = self.rig.load(math.ceil(rate * self.plan.seconds), rate, self.plan.arrivals)
        self.result.rows.append(open_loop_row(f"{self.plan.overload:g} times saturation", self.rig, load, self.energy))
        resident = self.rig.sampled[SERVICE].resident_between(load.start_at, load.ended_at)
        tenth = max(1, len(resident) // 10)
        self.result.findings |= {
            "overload_resident_bytes_of_first_tenth": max(resident[:tenth]),
            "overload_resident_bytes_of_last_tenth": max(resident[-tenth:]),
            "overload_lost": load.lost,
        }
        after = self.at_rate("half of saturation, after the overload", saturation / 2)
        before = next(row for row in self.result.rows if row["phase"] == "half of saturation")
        self.result.findings["p99_after_over_before_overload"] = round(
            after["latency_ms"]["p99"] / before["latency_ms"]["p99"], 3
        )

    def ask_bare(self, job: dict[str, Any]) -> dict[str, Any]:
        return self.bare.ask({"job": "classify", "queries": 1 if self.plan.quick else 16, **job}, _ANSWER_SECONDS)

    def find(self, name: str, value: float, over: str) -> None:
        self.result.findings[name] = round(value / self.result.findings[over], 3)


def factor_without_others(beside: float, cores: int) -> float:
    """Return the factor by which a throughput grows if nothing but the service uses the cores.

    Args:
        beside: CPU seconds per second that broker, publisher and subscriber use.
        cores: Number of cores.
    """
    return cores / max(cores - beside, 1e-9)


def _with_parallelism(settings: Settings, bundle: Bundle) -> Settings:
    """Choose the numbers of interpreters and threads once, for both the service and the bare classifier."""
    parallelism = choose_parallelism(settings.model, bundle, available_cores())
    return settings.model_copy(update={"model": settings.model.model_copy(update=parallelism._asdict())})


def _bare_command(plan: Plan) -> list[str]:
    """Command of the bare classifier, with the model, interpreters and threads of the service."""
    model = plan.settings.model
    return module_command(
        "stream.bench.worker",
        *("--threads", str(model.threads or 1)),
        *(("--bundle", model.path) if model.path else ()),
        *(("--interpreters", str(model.interpreters)) if model.interpreters else ()),
        *(("--tweets", plan.tweets) if plan.tweets else ()),
    )


def _settings_json(plan: Plan) -> dict[str, Any]:
    return {
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "rate": plan.rate,
        "arrivals": plan.arrivals,
        "overload": plan.overload,
        "quick": plan.quick,
        "tweets": plan.tweets or "samples",
        "model": plan.settings.model.model_dump(mode="json"),
        "receive_maximum": plan.settings.broker.receive_maximum,
        "protocol": plan.settings.broker.protocol,
    }
