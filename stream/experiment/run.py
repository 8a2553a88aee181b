"""Runs a plan: cell after cell, each between a quiet stretch before and one after, leaving out what is done already."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from stream.errors import InputError
from stream.experiment import monitor
from stream.experiment.device import describe_device
from stream.experiment.energy import Meter
from stream.experiment.folder import ResultsFolder
from stream.experiment.monitor import Numbers
from stream.experiment.plan import Cell, PlanFile
from stream.experiment.processes import Progress, Watcher, watching, worker
from stream.experiment.results import CellResult, Data, Device, Phases, Power, Samples, Span
from stream.experiment.thinning import factor, thinned
from stream.experiment.worker import Finished, Job
from stream.model.bundle import file_sha256
from stream.telemetry.resources import throttled_bits


class ExperimentProgress(Progress, Protocol):
    """Who is told how far the experiment is."""

    def cell(self, name: str, number: int, cells: int) -> None:
        """A cell begins, the `number`th of those that are left."""


@dataclass(frozen=True)
class Experiment:
    """A plan that runs on this device.

    Args:
        file: The plan.
        folder: Where results go.
        progress: Who is told.
    """

    file: PlanFile
    folder: ResultsFolder
    progress: ExperimentProgress

    async def run(self, cells: list[Cell]) -> None:
        """Run what is left.

        Raises:
            StarlingError: A model or data set cannot be used, or a result cannot be written.
        """
        await self._wait_for_the_start()
        meter, device = Meter(self.file.plan.power), describe_device(self.folder.node)
        async with asyncio.TaskGroup() as tasks:
            metering = tasks.create_task(meter.run(), name="meter")
            for number, cell in enumerate(cells, start=1):
                self.progress.cell(cell.name, number, len(cells))
                await asyncio.to_thread(self.folder.add, await self._run(cell, device, meter))
            metering.cancel()

    async def _run(self, cell: Cell, device: Device, meter: Meter) -> CellResult:
        plan = self.file.plan
        meter.take()
        started_at, bits_before = datetime.now(UTC), await asyncio.to_thread(throttled_bits)
        async with watching(plan.samples_per_second) as watcher:
            before = await self._quiet("before", plan.before_seconds)
            finished = await self._work(cell, watcher)
            _check_precision(cell, finished)
            after = await self._quiet("after", plan.after_seconds)
            by = factor(finished.during, plan.samples_per_second)
            samples = _columns(plan.samples_per_second, by, thinned(watcher.samples(), finished.during, by))
        bits = bits_before, await asyncio.to_thread(throttled_bits)
        run = _Run(cell, started_at, bits, Phases(before=before, during=finished.during, after=after))
        return self._result(run, device, finished, samples, meter.take())

    async def _work(self, cell: Cell, watcher: Watcher) -> Finished:
        job = Job(
            model=cell.model,
            path=self.file.model_path(cell).resolve(),
            threads=cell.threads,
            data=self.file.data_path(cell).resolve(),
            seed=cell.seed,
            tweets=self.file.plan.tweets,
        )
        async with worker(cell.name) as working:
            watcher.watch(working.process_id)
            self.progress.phase("loading", 0)
            return await working.work(job, self.progress)

    async def _quiet(self, name: str, seconds: float) -> Span:
        """Do nothing, so that the machine can be watched at it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await _count_up(seconds, lambda: self.progress.phase(name, seconds), self.progress.done)
        return Span(start_seconds=started, end_seconds=loop.time())

    async def _wait_for_the_start(self) -> None:
        start_at = self.file.plan.start_at
        seconds = (start_at - datetime.now(UTC)).total_seconds() if start_at else 0.0
        await _count_up(seconds, lambda: self.progress.phase("waiting for the start", seconds), self.progress.done)

    def _result(
        self, run: "_Run", device: Device, finished: Finished, samples: Samples, power: Power | None
    ) -> CellResult:
        return CellResult(
            schema=1,
            cell=run.cell.name,
            model=run.cell.model.name,
            seed=run.cell.seed,
            threads=run.cell.threads,
            plan_sha256=self.file.sha256,
            planned_at=self.file.plan.start_at,
            started_at=run.started_at,
            device=device,
            subject=finished.subject,
            data=self._data(run.cell, finished),
            load_seconds=finished.load_seconds,
            phases=run.phases,
            tweets=finished.tweets,
            macs_by_tokens=finished.macs_by_tokens,
            samples=samples,
            power=power,
            throttled_bits=run.throttled_bits,
        )

    def _data(self, cell: Cell, finished: Finished) -> Data:
        sha256 = file_sha256(self.file.data_path(cell))
        return Data(name=cell.data, sha256=sha256, planned=finished.planned, refused=finished.refused)


def _check_precision(cell: Cell, finished: Finished) -> None:
    if cell.precision and finished.subject.precision != cell.precision:
        raise InputError(f"{cell.path} is {finished.subject.precision}, and the plan says {cell.precision}")


@dataclass(frozen=True)
class _Run:
    cell: Cell
    started_at: datetime
    throttled_bits: tuple[int | None, int | None]
    phases: Phases


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
