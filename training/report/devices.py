"""The paper's Table II, hardware, with our devices, and what else is known of them."""

from collections.abc import Mapping, Sequence

from stream.experiment.record import RunRecord
from training.report.document import Table
from training.report.paper import PAPER, Paper
from training.report.rows import device_identity
from training.report.tables import UNKNOWN

_RUNTIMES = ("ai-edge-litert", "tflite-runtime", "tensorflow")
_GIGA = 1e9
_GIB = 2**30


def table_ii(records: Sequence[RunRecord], names: Mapping[tuple[str, ...], str], paper: Paper | None) -> Table:
    """Show the hardware as the paper's Table II."""
    firsts = _first_records(records)
    body = [_hardware(names[device_identity(record)], record) for record in firsts]
    if paper:
        body += [
            (
                row.device + PAPER,
                row.processor,
                UNKNOWN,
                f"{row.gigahertz.value:g}",
                f"{row.memory_gigabytes.value:g} GB",
                row.storage,
            )
            for row in paper.hardware
        ]
    head = ("Machine", "Processor", "Cores", "Clock (GHz)", "RAM", "Storage")
    notes = ("Our clock is the highest frequency that the cores may have.",) if firsts else ()
    return Table("Table II. Hardware", head, tuple(body), notes, columns_of_words=2)


def table_of_systems(records: Sequence[RunRecord], names: Mapping[tuple[str, ...], str]) -> Table:
    """Show system, software and source of power of our devices."""
    head = ("Machine", "Board", "Serial number", "System", "Governor", "Power from", "Runtime", "First run")
    body = tuple(_system(names[device_identity(record)], record) for record in _first_records(records))
    return Table("Systems", head, body, columns_of_words=len(head))


def _first_records(records: Sequence[RunRecord]) -> list[RunRecord]:
    newest_first = sorted(records, key=lambda record: record.started_at, reverse=True)
    return list({device_identity(record): record for record in newest_first}.values())


def _hardware(name: str, record: RunRecord) -> tuple[str, ...]:
    device = record.device
    clock = f"{device.max_hertz / _GIGA:.1f}" if device.max_hertz else UNKNOWN
    storage = f"{device.storage_bytes / _GIGA:.0f} GB" if device.storage_bytes else UNKNOWN
    memory = f"{device.memory_bytes / _GIB:.1f} GiB"
    return name, device.processor or device.model, str(device.cores), clock, memory, storage


def _system(name: str, record: RunRecord) -> tuple[str, ...]:
    device = record.device
    runtime = next((f"{each} {device.versions[each]}" for each in _RUNTIMES if each in device.versions), UNKNOWN)
    return (
        name,
        device.model,
        device.serial or UNKNOWN,
        f"{device.operating_system}, {device.architecture}",
        ", ".join(device.governors) or "not known",
        record.power_source or "nothing",
        f"{runtime}, Starling {device.versions.get('starling', '?')}",
        f"{record.started_at:%Y-%m-%d %H:%M} UTC",
    )
