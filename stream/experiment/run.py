"""Runs a plan: one run after the other, each between two phases without work, without those that are finished."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from stream.errors import InputError
from stream.experiment import monitor
from stream.experiment.cooling import Cooling, processor_celsius
from stream.experiment.duration import Duration, estimated, in_words
from stream.experiment.energy import Meter
from stream.experiment.folder import ResultsFolder
from stream.experiment.monitor import Numbers
from stream.experiment.plan import Cell, PlanFile
from stream.experiment.processes import Progress, Watcher, watching, worker
from stream.experiment.results import CellResult, ClockPair, Data, Phases, Power, Samples, Span
from stream.experiment.thinning import factor, thinned
from stream.experiment.worker import Finished, Job
from stream.model.bundle import file_sha256
from stream.telemetry.resources import throttled_bits

_FIRST_READING_SECONDS = 10.0
"""Time for a meter's first reading: an Uno restarts when its port is opened, which takes about two seconds."""


class ExperimentProgress(Progress, Protocol):
    """Receiver of an experiment's progress."""

    def cell(self, name: str, number: int, cells: int) -> None:
        """Start a run, the `number`th of the unfinished ones."""

    def notice(self, text: str) -> None:
        """Show a sentence that the user should read."""


@dataclass(frozen=True)
class Experiment:
    """A plan that runs on this device.

    Args:
        file: The plan.
        folder: Folder of the results.
        progress: Receives the progress.
    """

    file: PlanFile
    folder: ResultsFolder
    progress: ExperimentProgress

    async def run(self, cells: list[Cell]) -> None:
        """Run cells of the plan.

        Raises:
            StarlingError: The start is in the past, a model or data set cannot be used, or a result cannot be written.
        """
        self._check_start(cells)
        meter = Meter(self.file.plan.power)
        cooling = Cooling(self.file.plan.cool_down_seconds)
        async with asyncio.TaskGroup() as tasks:
            metering = tasks.create_task(meter.run(), name="meter")
            await self._check_meter(meter)
            if self.file.plan.pilot_tweets and cells:
                self.progress.notice(f"{await self.duration(cells)}.")
            await self._wait_for_the_start()
            for number, cell in enumerate(cells, start=1):
                self.progress.cell(cell.name, number, len(cells))
                self.progress.phase("cooling down", self.file.plan.cool_down_seconds)
                waited_seconds = await cooling.wait(self.progress.done)
                await asyncio.to_thread(self.folder.add, await self._run(cell, meter, waited_seconds))
            metering.cancel()

    async def duration(self, cells: list[Cell]) -> Duration:
        """Estimate how long the cells take, from a few tweets of each kind of run.

        Raises:
            StarlingError: A model or data set cannot be used.
        """
        self.progress.phase("estimating the duration", 0)
        return await estimated(cells, self.file.plan, self._pilot, cools=processor_celsius() is not None)

    async def _pilot(self, cell: Cell, tweets: int) -> Finished:
        job = self._job(cell, max(1, tweets)).model_copy(update={"counts_operations": False})
        async with worker(cell.name) as working:
            return await working.work(job, self.progress)

    async def _run(self, cell: Cell, meter: Meter, waited_seconds: float) -> CellResult:
        plan = self.file.plan
        meter.take()
        started_at, bits_before = datetime.now(UTC), await asyncio.to_thread(throttled_bits)
        clocks = [_clocks()]
        async with watching(plan.samples_per_second) as watcher:
            before = await self._quiet("before", plan.before_seconds)
            finished = await self._work(cell, watcher)
            _check_precision(cell, finished)
            after = await self._quiet("after", plan.after_seconds)
            by = factor(finished.during, plan.samples_per_second)
            samples = _columns(plan.samples_per_second, by, thinned(watcher.samples(), finished.during, by))
        clocks.append(_clocks())
        bits = bits_before, await asyncio.to_thread(throttled_bits)
        phases = Phases(before=before, during=finished.during, after=after)
        run = _Run(cell, started_at, bits, phases, clocks, waited_seconds)
        return self._result(run, finished, samples, meter.take())

    async def _work(self, cell: Cell, watcher: Watcher) -> Finished:
        async with worker(cell.name) as working:
            watcher.watch(working.process_id)
            self.progress.phase("loading", 0)
            return await working.work(self._job(cell, self.file.plan.tweets), self.progress)

    def _job(self, cell: Cell, tweets: int | None) -> Job:
        return Job(
            model=cell.model,
            path=self.file.model_path(cell).resolve(),
            threads=cell.threads,
            data=self.file.data_path(cell).resolve(),
            seed=cell.seed,
            shuffle_seed=self.file.plan.shuffle_seed,
            tweets=tweets,
        )

    async def _quiet(self, name: str, seconds: float) -> Span:
        """Do no work, so that the machine can be sampled without it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await _count_up(seconds, lambda: self.progress.phase(name, seconds), self.progress.done)
        return Span(start_seconds=started, end_seconds=loop.time())

    def _check_start(self, cells: list[Cell]) -> None:
        """Refuse a start in the past, unless an interrupted experiment is continued."""
        start_at = self.file.plan.start_at
        late_seconds = (datetime.now(UTC) - start_at).total_seconds() if start_at else 0.0
        if late_seconds > 0 and len(cells) == len(list(self.file.plan.cells())):
            raise InputError(
                f"{self.file.path}: start_at = {start_at} was {in_words(late_seconds)} ago, so this device would not "
                f"start together with the others: set a time to come in all plans, or remove start_at"
            )

    async def _check_meter(self, meter: Meter) -> None:
        """Warn before the first run if no power will be recorded."""
        power = self.file.plan.power
        if meter.source is None and power.source != "none":
            self.progress.notice(
                "Warning: power is not measured, because this machine has neither a meter nor a counter that may be "
                'read. Set `port` in the plan\'s [power] (`starling power list` shows ports), or `source = "none"`.'
            )
        elif meter.source and not await meter.answers_within(_FIRST_READING_SECONDS):
            self.progress.notice(
                f"Warning: no power reading from {power.port or meter.source} within {_FIRST_READING_SECONDS:.0f} s; "
                f"runs go on without energy until it answers. Check the cable and `port` in the plan's [power]."
            )

    async def _wait_for_the_start(self) -> None:
        start_at = self.file.plan.start_at
        seconds = (start_at - datetime.now(UTC)).total_seconds() if start_at else 0.0
        await _count_up(seconds, lambda: self.progress.phase("waiting for the start", seconds), self.progress.done)

    def _result(self, run: "_Run", finished: Finished, samples: Samples, power: Power | None) -> CellResult:
        return CellResult(
            schema=2,
            cell=run.cell.name,
            model=run.cell.model.name,
            seed=run.cell.seed,
            threads=run.cell.threads,
            plan_sha256=self.file.sha256,
            planned_at=self.file.plan.start_at,
            started_at=run.started_at,
            device=self.folder.device,
            subject=finished.subject,
            data=self._data(run.cell, finished),
            load_seconds=finished.load_seconds,
            phases=run.phases,
            tweets=finished.tweets,
            macs_by_tokens=finished.macs_by_tokens,
            samples=samples,
            power=power,
            throttled_bits=run.throttled_bits,
            clocks=run.clocks,
            cool_down_seconds=run.cool_down_seconds,
        )

    def _data(self, cell: Cell, finished: Finished) -> Data:
        return Data(
            name=cell.data,
            sha256=file_sha256(self.file.data_path(cell)),
            planned=finished.planned,
            refused=finished.refused,
            in_file=finished.in_file,
        )


def _check_precision(cell: Cell, finished: Finished) -> None:
    if cell.precision and finished.subject.precision != cell.precision:
        raise InputError(f"{cell.path} is {finished.subject.precision}, and the plan says {cell.precision}")


@dataclass(frozen=True)
class _Run:
    cell: Cell
    started_at: datetime
    throttled_bits: tuple[int | None, int | None]
    phases: Phases
    clocks: list[ClockPair]
    cool_down_seconds: float


def _clocks() -> ClockPair:
    return ClockPair(unix_seconds=time.time(), monotonic_seconds=time.monotonic())


async def _count_up(seconds: float, begin: Callable[[], None], on_second: Callable[[float], None]) -> None:
    if seconds <= 0:
        return
    begin()
    for passed, rest in _seconds_of(seconds):
        await asyncio.sleep(rest)
        on_second(passed)


def _seconds_of(seconds: float) -> Iterator[tuple[float, float]]:
    passed = 0.0
    while passed < seconds:
        step = min(1.0, seconds - passed)
        passed += step
        yield passed, step


def _columns(per_second: float, thinned_by: int, samples: Iterable[Numbers]) -> Samples:
    columns: dict[str, list[float | None]] = {name: [] for name in monitor.COLUMNS}
    for sample in samples:
        for column, number in zip(columns.values(), sample, strict=True):
            column.append(number)
    ticks_per_second = monitor.TICKS_PER_SECOND
    return Samples(per_second=per_second, thinned_by=thinned_by, ticks_per_second=ticks_per_second, columns=columns)
