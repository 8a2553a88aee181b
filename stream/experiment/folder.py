"""The folder of an experiment's results: its device, its plan, finished and unfinished runs."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from stream.experiment.index import append_to_index, write_index
from stream.experiment.plan import Cell, PlanFile
from stream.experiment.results import CELLS_FOLDER, CellResult, Device, cell_path, read_cell, write_cell
from stream.files import replacing
from stream.model.bundle import file_sha256

_PLAN_COPY = "plan.toml"


@dataclass(frozen=True)
class ResultsFolder:
    """A folder for the results of one plan on one device.

    Args:
        path: The folder; it is made if it does not exist.
        device: This device.
    """

    path: Path
    device: Device

    def unfinished(self, file: PlanFile) -> list[Cell]:
        """Prepare the folder and return the runs of the plan that it does not hold.

        Raises:
            InputError: It holds results of another plan, device or schema, or cannot be written.
        """
        copy = self.path / _PLAN_COPY
        try:
            (self.path / CELLS_FOLDER).mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                with replacing(copy) as partial:
                    shutil.copyfile(file.path, partial)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}") from error
        if file_sha256(copy) != file.sha256:
            raise InputError(f"{self.path} holds the results of another plan ({copy}): name another folder with --out")
        write_index(self.path)
        return [cell for cell in file.plan.cells() if not self._has(cell)]

    def results(self) -> Iterator[CellResult]:
        """Yield the finished runs.

        Raises:
            InputError: A run cannot be read.
        """
        for path in sorted((self.path / CELLS_FOLDER).glob("*.json")):
            yield read_cell(path)

    def add(self, result: CellResult) -> None:
        """Write a run's results.

        Raises:
            InputError: They cannot be written.
        """
        write_cell(self.path, result)
        append_to_index(self.path, result)

    def replace(self, results: list[CellResult]) -> None:
        """Write changed results of runs that are in the folder, and the index.

        Raises:
            InputError: They cannot be written.
        """
        for result in results:
            write_cell(self.path, result)
        write_index(self.path)

    def _has(self, cell: Cell) -> bool:
        path = cell_path(self.path, cell.name)
        if not path.exists():
            return False
        _check_same_device(path, read_cell(path).device, self.device)
        return True


def _check_same_device(path: Path, there: Device, here: Device) -> None:
    """Refuse another device: by node name, and by board and serial number where both are known."""
    differs = there.node != here.node or there.model != here.model
    if there.serial is not None and here.serial is not None:
        differs = differs or there.serial != here.serial
    if differs:
        raise InputError(
            f"{path} was measured on {_identity(there)}, and this is {_identity(here)}: name another folder with --out"
        )


def _identity(device: Device) -> str:
    serial = f", serial number {device.serial}" if device.serial else ""
    return f"'{device.node}' ({device.model}{serial})"
