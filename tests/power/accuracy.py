"""Accuracy of the meter: the real firmware under simavr, read by the service's reader, with known currents.

    python -m tests.power.accuracy

prints the tables of docs/power.md.
"""

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

from stream.power.current import Calibration, amperes
from stream.power.energy import Energy
from stream.power.frames import Sample
from stream.power.link import MeterLink, open_meter
from stream.power.meter import SerialMeter
from stream.power.reading import Estimate
from stream.power.simulator import Change, SimulatedUno, build_simulator, simulated_uno

FULL_SCALE_AMPERES = 5.0
CURRENTS_AMPERES = (0.0, 0.3, 0.7, 1.2, 3.0)
NOISE_VOLTS = 0.0035
"""21 mV peak to peak is six standard deviations."""
WAVEFORMS: dict[str, dict[str, float]] = {
    "DC, no noise at all": {},
    "DC, sensor's noise (21 mV p-p)": {"noise": NOISE_VOLTS},
    "50 Hz ripple (0.2 A peak), no noise": {"ripple": 0.2},
    "50 Hz ripple, sensor's noise": {"ripple": 0.2, "noise": NOISE_VOLTS},
    "40 mV offset, sensor's noise": {"offset": 0.040, "noise": NOISE_VOLTS},
}
LOAD: tuple[tuple[float, float], ...] = (
    (0, 0.5), (3, 1.1), (4, 0.6), (9.5, 1.4), (10, 0.5), (17.3, 0.9), (25, 0.55), (26.1, 2.0), (26.9, 0.5),
    (38, 1.2), (50, 0.6), (55, 0.9),
)  # fmt: skip
"""A changing load: start in simulated seconds, current in amperes."""
LOAD_SECONDS = 60.0
SUPPLY_VOLTS = 5.0
_COVERAGE = 1.96
"""Standard errors of an interval that contains the true value in 95 % of the windows."""
_KNOWN = Calibration(supply_volts=SUPPLY_VOLTS)
_FAST = ("--fast",)


@dataclass(frozen=True)
class Accuracy:
    """Result at one current."""

    waveform: str
    tared: bool
    true_amperes: float
    mean_amperes: float
    standard_error_amperes: float
    """Stated standard error of one window."""
    covered: float
    """Ratio of the windows whose 95 % interval contains the true current."""

    @property
    def error_percent(self) -> float:
        """Error in percent of full scale."""
        return 100 * (self.mean_amperes - self.true_amperes) / FULL_SCALE_AMPERES


async def measure_waveform(build: Path, waveform: str, *, tared: bool, windows: int) -> list[Accuracy]:
    """Measure each current.

    Args:
        build: Where the simulator is.
        waveform: One of WAVEFORMS.
        tared: Whether to take the zero first.
        windows: How many to average.
    """
    quiet = WAVEFORMS[waveform] | {"ripple": 0.0}
    async with simulated_uno(build, signals=quiet, options=_FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        if tared:
            await meter.ask("T")
        uno.set(**WAVEFORMS[waveform])
        return [await _measure(uno, meter, waveform, true, windows) for true in CURRENTS_AMPERES]


async def _measure(uno: SimulatedUno, meter: MeterLink, waveform: str, true: float, windows: int) -> Accuracy:
    uno.set(amperes=true)
    identity = await meter.identify()  # its answer follows the change
    await _windows(meter, 2)
    estimates = [amperes(sample, identity, _KNOWN) for sample in await _windows(meter, windows)]
    return Accuracy(
        waveform=waveform,
        tared=identity.zero is not None,
        true_amperes=true,
        mean_amperes=fmean(estimate.value for estimate in estimates),
        standard_error_amperes=fmean(estimate.standard_error for estimate in estimates),
        covered=fmean(_covers(estimate, true) for estimate in estimates),
    )


async def _windows(meter: MeterLink, count: int) -> list[Sample]:
    samples: list[Sample] = []
    while len(samples) < count:
        if isinstance(frame := await meter.receive(), Sample):
            samples.append(frame)
    return samples


def _covers(estimate: Estimate, true: float) -> bool:
    return abs(estimate.value - true) <= _COVERAGE * estimate.standard_error


async def measure_changing_load(build: Path) -> tuple[Estimate, float]:
    """Integrate a minute of a changing load.

    Returns:
        The joules measured, and the true ones over the same time.
    """
    signals = {"amperes": LOAD[0][1], "noise": NOISE_VOLTS}
    changes: list[Change] = [(seconds, "amperes", value) for seconds, value in LOAD[1:]]
    options = (*_FAST, "--seconds", str(LOAD_SECONDS))
    energy = Energy()
    async with simulated_uno(build, signals=signals, changes=changes, options=options) as uno:
        first: Sample | None = None
        async with aclosing(SerialMeter(uno.port, _KNOWN, pause_seconds=0).readings()) as readings:
            async for reading in readings:
                energy.add(reading)
                assert reading.sample is not None
                first = first or reading.sample
                if (reading.sample.sequence + 2) * reading.seconds > LOAD_SECONDS:
                    break
    assert first is not None
    began = first.sequence * reading.seconds
    return energy.joules, true_joules(began, began + energy.measured_seconds)


def true_joules(began: float, ended: float) -> float:
    """Return the energy of LOAD between two simulated times."""
    steps = [*LOAD, (math.inf, 0.0)]
    charge = sum(
        value * max(0.0, min(until, ended) - max(since, began)) for (since, value), (until, _) in pairwise(steps)
    )
    return charge * SUPPLY_VOLTS


async def measure_reader_cpu(build: Path, seconds: float) -> float:
    """Return the share of a core that reading the meter in real time needs."""
    async with (
        simulated_uno(build, signals={"amperes": 1.0, "noise": NOISE_VOLTS}) as uno,
        aclosing(SerialMeter(uno.port, _KNOWN).readings()) as readings,
    ):
        await anext(readings)
        began, used = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            await anext(readings)
        return (time.process_time() - used) / (time.perf_counter() - began)


async def measure_scatter(build: Path, windows: int) -> tuple[float, float]:
    """Compare the standard deviation of windows with their stated noise, for 2 kHz noise as of the sensor.

    Returns:
        The standard deviation of the windows' means, and the mean of their stated noise, in amperes.
    """
    signals = {"amperes": 1.0, "noise": NOISE_VOLTS, "bandwidth": 2000.0}
    async with simulated_uno(build, signals=signals, options=_FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        await meter.ask("W240")
        identity = await meter.identify()
        await _windows(meter, 2)
        estimates = [amperes(sample, identity, _KNOWN) for sample in await _windows(meter, windows)]
    return stdev(estimate.value for estimate in estimates), fmean(estimate.noise for estimate in estimates)


def accuracy_table(rows: Sequence[Accuracy]) -> str:
    """Return a table row for a waveform: the worst of its currents."""
    lines = ["| current | tare | worst error, % of 5 A | error stated at 0 and 3 A, mA | windows covered, % |"]
    lines += ["|---|---|---|---|---|"]
    for waveform in WAVEFORMS:
        for tared in (False, True):
            lines += _table_line([row for row in rows if (row.waveform, row.tared) == (waveform, tared)])
    return "\n".join(lines)


def _table_line(rows: Sequence[Accuracy]) -> list[str]:
    if not rows:
        return []
    worst = max((row.error_percent for row in rows), key=abs)
    errors = f"{1000 * rows[0].standard_error_amperes:.0f}, {1000 * rows[-1].standard_error_amperes:.0f}"
    covered = min(row.covered for row in rows)
    tare = "yes" if rows[0].tared else "no"
    return [f"| {rows[0].waveform} | {tare} | {worst:+.2f} | {errors} | {100 * covered:.1f} |"]


async def _print_all(windows: int, cpu_seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        build = await asyncio.to_thread(build_simulator, Path(folder))
        rows = [
            row
            for waveform in WAVEFORMS
            for tared in (False, True)
            for row in await measure_waveform(build, waveform, tared=tared, windows=windows)
        ]
        joules, true = await measure_changing_load(build)
        scatter, stated = await measure_scatter(build, windows)
        share = await measure_reader_cpu(build, cpu_seconds)
    lines = [
        accuracy_table(rows),
        "",
        f"A minute of a changing load: {joules.value:.2f} J of {true:.2f} J, {100 * (joules.value / true - 1):+.2f} %.",
        f"Noise of 2 kHz, windows of 25 ms: standard deviation {1000 * scatter:.2f} mA, stated {1000 * stated:.2f} mA.",
        f"The reader takes {100 * share:.2f} % of a core.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(_print_all(windows=100, cpu_seconds=20.0))
