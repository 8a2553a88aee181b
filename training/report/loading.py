"""Reads the results of any number of devices; what cannot be read is left out and named."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stream.errors import InputError
from stream.experiment.index import read_index
from stream.experiment.record import RunRecord, record_of
from stream.experiment.recorded_power import Clock, read_power, with_recorded_power
from stream.experiment.results import CELLS_FOLDER, CellResult, read_cell
from stream.power.recorded import RecordedReading
from training.report.rows import device_identity

_SERIAL_DIGITS = 4


@dataclass(frozen=True)
class Recording:
    """Power that another computer recorded for a node."""

    node: str
    file: Path
    clock: Clock


@dataclass
class Loaded:
    """The runs, and the reasons for which others were left out."""

    records: list[RunRecord] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def device_names(self) -> dict[tuple[str, ...], str]:
        """Return the name of each device: the node's or, if several have the same, with what tells them apart."""
        identities = list(dict.fromkeys(map(device_identity, self.records)))
        return {identity: _name(identity, identities) for identity in identities}


def recording_named(text: str) -> Recording:
    """Return the recording that an option's value names: node, file, clock offset and its standard error, with commas.

    Raises:
        InputError: A part is missing or is not a number.
    """
    try:
        node, file, offset, error = text.split(",")
        clock = Clock(float(offset), float(error))
    except ValueError as problem:
        raise InputError(
            f"--power-record {text}: write NODE,FILE,SECONDS,ERROR, e.g. pi-3b,watts.csv,0.8,0.1"
        ) from problem
    if not clock.error_seconds >= 0:
        raise InputError(f"--power-record {text}: the standard error of the clock's offset must not be below 0")
    return Recording(node, Path(file), clock)


def load_results(paths: Iterable[Path], recordings: Sequence[Recording] = ()) -> Loaded:
    """Read results.

    Args:
        paths: Folders that `starling experiment` filled, single result files, or indexes (.jsonl).
        recordings: Power of nodes that a meter on another computer measured.

    Raises:
        InputError: A path does not exist or holds no results, or two devices cannot be told apart.
    """
    loaded = Loaded()
    readings = {recording.node: (read_power(recording.file), recording.clock) for recording in recordings}
    seen: dict[tuple[object, ...], tuple[Path, RunRecord]] = {}
    for path in paths:
        for file, record in _records(path, readings, loaded.left_out):
            key = (device_identity(record), record.cell, record.data.sha256, record.data.planned)
            if key in seen:
                _leave_out_repeat(loaded, file, record, *seen[key])
                continue
            seen[key] = file, record
            loaded.records.append(record)
    _check_nodes(readings, loaded.records)
    return loaded


Readings = dict[str, tuple[list[RecordedReading], Clock]]


def _records(path: Path, readings: Readings, left_out: list[str]) -> Iterator[tuple[Path, RunRecord]]:
    if path.suffix == ".jsonl":
        yield from ((path, record) for record in read_index(path))
        return
    for file in _files(path):
        try:
            yield file, record_of(_with_power(read_cell(file), readings))
        except InputError as error:
            left_out.append(str(error))


def _with_power(result: CellResult, readings: Readings) -> CellResult:
    if result.device.node not in readings:
        return result
    recorded, clock = readings[result.device.node]
    return with_recorded_power(result, recorded, clock)


def _check_nodes(readings: Readings, records: Sequence[RunRecord]) -> None:
    nodes = {record.device.node for record in records}
    if unknown := sorted(set(readings) - nodes):
        raise InputError(
            f"--power-record names {', '.join(unknown)}, and the results are of {', '.join(sorted(nodes)) or 'no node'}"
        )


def _leave_out_repeat(loaded: Loaded, file: Path, record: RunRecord, first_file: Path, first: RunRecord) -> None:
    """Leave out a run that was given twice or repeated; refuse two runs whose devices may be different ones."""
    if record.started_at != first.started_at and record.device.serial is None:
        raise InputError(
            f"{first_file} and {file} are the same run of '{record.device.node}', started at {first.started_at} and at "
            f"{record.started_at}, without a serial number: the results of two devices with one name, or one device "
            f"measured twice. Give only one of them, or measure anew with --node NAME for each device"
        )
    same = record.started_at == first.started_at
    loaded.left_out.append(f"{file}: {'the same run' if same else 'a repetition of the same run'} as {first_file}")


def _name(identity: tuple[str, ...], identities: Sequence[tuple[str, ...]]) -> str:
    """Return the shortest name that no other device has: node, end of the serial number, all of it, or the board."""
    node, model, *serials = identity
    others = [other for other in identities if other[0] == node and other != identity]
    if not others:
        return node
    if not serials:
        return f"{node} ({model})"
    end = serials[0][-_SERIAL_DIGITS:]
    ends = {serial[-_SERIAL_DIGITS:] for _, _, *other_serials in others for serial in other_serials}
    return f"{node} …{end}" if end not in ends else f"{node} {serials[0]}"


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    files = sorted((path / CELLS_FOLDER).glob("*.json"))
    if not files:
        raise InputError(f"{path} holds no results: name a folder that `starling experiment` filled")
    yield from files
