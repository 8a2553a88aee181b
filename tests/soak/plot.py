"""Plot of a soak test."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.soak.samples import Sample, steady

_INCHES = (9, 10)
_DOTS_PER_INCH = 90
_SECONDS_PER_MINUTE = 60
_MEGABYTE = 1_000_000
_BLUE, _ORANGE, _GREEN = "#0072b2", "#d55e00", "#009e73"
"""Okabe and Ito's palette, which is suitable for colour-blind readers."""


def plot(samples: Sequence[Sample], file: Path) -> None:
    """Plot memory, descriptors, latency, waiting tweets and CPU time of the steady load."""
    taken = steady(samples)
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(5, 1, sharex=True)
    for draw, panel in zip((_memory, _counts, _latency, _waiting, _processor), panels, strict=True):
        draw(panel, taken, [sample.at_seconds / _SECONDS_PER_MINUTE for sample in taken])
        _mark_restarts(panel, taken)
        panel.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize="small", frameon=False, ncols=3)
        panel.grid(alpha=0.25)
    panels[-1].set_xlabel("minutes (dotted: the broker was restarted)")
    figure.savefig(file, dpi=_DOTS_PER_INCH)


def _memory(panel: Axes, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    panel.plot(minutes, [sample.rss_bytes / _MEGABYTE for sample in samples], color=_BLUE, label="resident")
    panel.plot(minutes, [sample.anonymous_bytes / _MEGABYTE for sample in samples], color=_ORANGE, label="anonymous")
    panel.set_ylabel("memory (MB)")
    panel.set_ylim(bottom=0)


def _counts(panel: Axes, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    panel.plot(minutes, [sample.descriptors for sample in samples], color=_BLUE, label="file descriptors")
    panel.plot(minutes, [sample.tasks for sample in samples], color=_ORANGE, label="tasks without a tweet")
    panel.plot(minutes, [sample.threads for sample in samples], color=_GREEN, label="threads")
    panel.set_ylabel("open (count)")
    panel.set_ylim(bottom=0)


def _latency(panel: Axes, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    p50 = [(sample.latency_p50_seconds or float("nan")) * 1000 for sample in samples]
    p99 = [(sample.latency_p99_seconds or float("nan")) * 1000 for sample in samples]
    panel.semilogy(minutes, p99, color=_ORANGE, linewidth=0.8, label="99th percentile of a second")
    panel.semilogy(minutes, p50, color=_BLUE, linewidth=0.8, label="median")
    panel.set_ylabel("latency (ms)")


def _waiting(panel: Axes, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    panel.plot(minutes, [sample.waiting for sample in samples], color=_ORANGE, label="without a result")
    panel.plot(minutes, [sample.in_progress for sample in samples], color=_BLUE, label="of these in the node")
    panel.set_yscale("symlog", linthresh=10)
    panel.set_ylabel("tweets")
    panel.set_ylim(bottom=0)


def _processor(panel: Axes, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    machine = _rates(samples, [sample.machine_cpu_seconds for sample in samples])
    node = _rates(samples, [sample.node_cpu_seconds for sample in samples])
    load = _rates(samples, [sample.cpu_seconds for sample in samples])
    panel.plot(minutes[1:], machine, color="grey", linewidth=0.8, label="whole machine")
    panel.plot(minutes[1:], node, color=_BLUE, linewidth=0.8, label="node")
    panel.plot(minutes[1:], load, color=_GREEN, linewidth=0.8, label="load")
    panel.set_ylabel("processor (cores)")
    panel.set_ylim(bottom=0)


def _rates(samples: Sequence[Sample], totals: Sequence[float]) -> list[float]:
    seconds = [sample.at_seconds for sample in samples]
    return [
        (after - before) / (end - start)
        for (before, after), (start, end) in zip(pairwise(totals), pairwise(seconds), strict=True)
    ]


def _mark_restarts(panel: Axes, samples: Sequence[Sample]) -> None:
    for before, after in pairwise(samples):
        if after.restarts > before.restarts:
            panel.axvline(after.at_seconds / _SECONDS_PER_MINUTE, color="grey", linestyle=":", linewidth=1)
