"""Summary of a soak test."""

from tests.soak.samples import Sample, steady
from tests.soak.soak import Soak, SoakPlan


def summary(plan: SoakPlan, soak: Soak) -> list[tuple[str, str]]:
    """Return names and values; they are those of the steady load unless stated otherwise."""
    end = soak.samples[-1]
    first, last = steady(soak.samples)[0], steady(soak.samples)[-1]
    rate = end.rate or 0.0
    return [
        ("saturation", f"{rate / plan.share:,.0f} tweets/s"),
        ("steady load", f"{rate:,.0f} tweets/s for {plan.seconds:,.0f} s, {plan.share:.0%} of it"),
        ("broker restarted", f"{soak.restarts} times"),
        ("published, from the start", f"{end.published:,}"),
        ("labelled", f"{end.labelled:,}"),
        ("rejected", f"{end.rejected:,}"),
        ("lost", f"{end.waiting:,}"),
        ("came more than once", f"{end.repeated:,}"),
        ("most that the node held", f"{max(sample.in_progress for sample in soak.samples)}"),
        ("the node's processor time", _cost(first, last, last.node_cpu_seconds - first.node_cpu_seconds)),
        ("the load's processor time", _cost(first, last, last.cpu_seconds - first.cpu_seconds)),
        ("the whole machine's", _cost(first, last, last.machine_cpu_seconds - first.machine_cpu_seconds)),
    ]


def _cost(first: Sample, last: Sample, cpu_seconds: float) -> str:
    tweets = last.labelled + last.rejected - first.labelled - first.rejected
    cores = cpu_seconds / (last.at_seconds - first.at_seconds)
    return f"{cores:.2f} cores, {1000 * cpu_seconds / tweets:.2f} ms a tweet"
