"""The folder of an experiment's results: whose it is, what is done already, what is to be added."""

from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from stream.experiment.index import append_to_index, write_index
from stream.experiment.plan import Cell, PlanFile
from stream.experiment.results import CELLS_FOLDER, CellResult, cell_path, read_cell, write_cell
from stream.model.bundle import file_sha256

_PLAN_COPY = "plan.toml"


@dataclass(frozen=True)
class ResultsFolder:
    """A folder for the results of one plan on one device.

    Args:
        path: Where it is, or will be.
        node: The device's name.
    """

    path: Path
    node: str

    def left_of(self, file: PlanFile) -> list[Cell]:
        """Prepare the folder and say what of the plan is left to do.

        Raises:
            InputError: It holds the results of another plan, device or schema, or cannot be written.
        """
        copy = self.path / _PLAN_COPY
        try:
            (self.path / CELLS_FOLDER).mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                _copy_at_once(file.path, copy)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}") from error
        if file_sha256(copy) != file.sha256:
            raise InputError(f"{self.path} holds the results of another plan ({copy}): name another folder with --out")
        write_index(self.path)
        return [cell for cell in file.plan.cells() if not self._has(cell)]

    def add(self, result: CellResult) -> None:
        """Keep a run's results.

        Raises:
            InputError: They cannot be written.
        """
        write_cell(self.path, result)
        append_to_index(self.path, result)

    def _has(self, cell: Cell) -> bool:
        path = cell_path(self.path, cell.name)
        if not path.exists():
            return False
        if (node := read_cell(path).device.node) != self.node:
            raise InputError(f"{path} was measured on '{node}', and this is '{self.node}': name a folder of its own")
        return True


def _copy_at_once(source: Path, target: Path) -> None:
    """Copy a file so that it is there whole or not at all."""
    partial = target.with_suffix(".partial")
    partial.write_bytes(source.read_bytes())
    partial.replace(target)
