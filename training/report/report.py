"""Puts a report together: reads results, makes tables and figures, writes Markdown and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from stream.experiment.results import CellResult
from training.report.compression import table_of_compression
from training.report.document import Block, Document, Figure, Heading, Listing, Paragraph, Table
from training.report.figures.bars import FIGURE_4, FIGURE_5, FIGURE_7, bars
from training.report.figures.radar import radar
from training.report.figures.style import known
from training.report.figures.tradeoff import pareto_front, tradeoff
from training.report.how_to_read import HOW_TO_READ, MADE_BY
from training.report.html import to_html
from training.report.loading import Loaded, load_results
from training.report.markdown import to_markdown
from training.report.paper import KNOWN_NUMBERS, Paper, load_paper, paper_rows
from training.report.quantities import WEIGHT_BITS, Quantity
from training.report.rows import Row, rows_of
from training.report.tables import (
    COLUMNS_OF_NAMES,
    UNKNOWN,
    device_name,
    precision_name,
    table_ii,
    table_iii,
    table_iv,
    table_of_energy,
    table_of_indices,
    table_of_latency,
)

_ROWS_WORTH_A_PICTURE = 3


@dataclass(frozen=True)
class Wishes:
    """What a report is to show."""

    with_paper: bool = True
    """The paper's rows beside ours."""
    with_pictures: bool = True
    paper: Path = KNOWN_NUMBERS
    """The paper's numbers."""


def write_report(results: Sequence[Path], out: Path, wishes: Wishes) -> Document:
    """Make a report of any number of devices' results.

    Args:
        results: Folders that `starling experiment` filled, or files of theirs.
        out: The report's folder.
        wishes: What it is to show.

    Raises:
        InputError: There is nothing to report, or the folder cannot be written.
    """
    loaded = load_results(results)
    if not loaded.results:
        raise InputError("none of the results can be read: " + "; ".join(loaded.left_out))
    paper = load_paper(wishes.paper)
    rows = sorted(rows_of(loaded.results), key=_order)
    beside = [*rows, *(paper_rows(paper) if wishes.with_paper else [])]
    try:
        out.mkdir(parents=True, exist_ok=True)
        pictures = _drawn(rows, beside, out) if wishes.with_pictures else []
        document = _document(loaded, rows, beside, paper, pictures)
        (out / "report.md").write_text(to_markdown(document), encoding="utf-8")
        (out / "report.html").write_text(to_html(document), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    return document


def _order(row: Row) -> tuple[str, str, int, int]:
    precisions = list(WEIGHT_BITS)
    place = precisions.index(row.precision) if row.precision in precisions else len(precisions)
    return row.device, row.model, row.threads, place


def _document(
    loaded: Loaded, rows: Sequence[Row], beside: Sequence[Row], paper: Paper, pictures: Sequence[Figure]
) -> Document:
    blocks: list[Block] = [
        Paragraph(_what_this_is(loaded.results)),
        *_left_out(loaded),
        Heading("Devices"),
        _devices(loaded.results),
        Heading("Models"),
        table_ii(beside),
        table_of_compression(rows, paper),
        Heading("Time"),
        table_of_latency(rows),
        Heading("What it takes"),
        table_iii(rows),
        table_iv(beside),
        *_if_any(table_of_energy(rows)),
        *pictures,
        Heading("Indices"),
        *_if_any(table_of_indices(beside)),
        Heading("Not beaten"),
        Paragraph(_front_in_words(rows)),
        Heading("How to read this"),
        Listing(HOW_TO_READ),
    ]
    return Document("Quantised transformers on edge devices", tuple(blocks))


def _drawn(rows: Sequence[Row], beside: Sequence[Row], out: Path) -> list[Figure]:
    use = "Figure 4. CPU, memory and power of the whole system while tweets are labelled."
    precisions = "Figure 6. Precisions compared; each spoke is the share of the best on any device."
    choices = (
        "Accuracy against speed and cost; whiskers are the accuracy's 95 % interval and the others' standard deviation."
    )
    pictures = (
        bars(rows, FIGURE_4, out, "figure-4", use),
        bars(rows, FIGURE_5, out, "figure-5", "Figure 5. FLOPS: operations done over time."),
        radar(rows, out, "figure-6", precisions),
        bars(rows, FIGURE_7, out, "figure-7", "Figure 7. The indices SI, MPI and RER."),
        tradeoff(rows, out, "trade-off", choices),
        *_drawn_of_paper([row for row in beside if row.from_paper], out),
    )
    return [picture for picture in pictures if picture]


def _drawn_of_paper(rows: Sequence[Row], out: Path) -> list[Figure | None]:
    """The paper's rows in pictures of their own: other models over other data would not share an axis with ours."""
    if len(known(rows, Quantity.PAPER_FLOPS)) < _ROWS_WORTH_A_PICTURE:
        return []
    flops = "Figure 5 of the paper's own rows."
    indices = "Figure 7 of the paper's own rows, by its equations."
    return [bars(rows, FIGURE_5, out, "figure-5-paper", flops), bars(rows, FIGURE_7, out, "figure-7-paper", indices)]


def _what_this_is(results: Sequence[CellResult]) -> str:
    nodes = sorted({result.device.node for result in results})
    began = min(result.started_at for result in results)
    ended = max(result.started_at for result in results)
    days = f"{began:%Y-%m-%d}" if began.date() == ended.date() else f"{began:%Y-%m-%d} to {ended:%Y-%m-%d}"
    where = f"{len(results)} runs on {len(nodes)} device{'s' if len(nodes) > 1 else ''} ({', '.join(nodes)}), {days}."
    return f"{where} {MADE_BY}"


def _if_any(table: Table) -> list[Block]:
    """A table, or, where it has no numbers, why."""
    if len(table.head) > COLUMNS_OF_NAMES:
        return [table]
    return [Paragraph(f"{table.title}: nothing. {' '.join(table.notes)}")]


def _left_out(loaded: Loaded) -> list[Block]:
    return [Heading("Left out"), Listing(tuple(loaded.left_out))] if loaded.left_out else []


def _devices(results: Sequence[CellResult]) -> Table:
    devices = {
        result.device.node: result for result in sorted(results, key=lambda result: result.started_at, reverse=True)
    }
    body = tuple(_device_line(first) for first in devices.values())
    head = ("Node", "Device", "Cores", "Memory", "System", "Governor", "Energy from", "Runtime", "Started")
    return Table("The devices", head, body, columns_of_words=len(head))


def _device_line(first: CellResult) -> tuple[str, ...]:
    device = first.device
    runtime = next((f"{name} {device.versions[name]}" for name in _RUNTIMES if name in device.versions), UNKNOWN)
    return (
        device.node,
        device.model,
        str(device.cores),
        f"{device.memory_bytes / 2**30:.1f} GiB",
        f"{device.operating_system}, {device.architecture}",
        ", ".join(device.governors) or "not told",
        first.power.source if first.power else "nothing",
        f"{runtime}, Starling {device.versions.get('starling', '?')}",
        f"{first.started_at:%Y-%m-%d %H:%M:%S} UTC",
    )


_RUNTIMES = ("ai-edge-litert", "tflite-runtime")


def _front_in_words(rows: Sequence[Row]) -> str:
    measured = [row for row in rows if row.mean(Quantity.ACCURACY) is not None]
    names = [f"{row.model} at {precision_name(row.precision)} on {device_name(row)}" for row in pareto_front(measured)]
    energy = all(row.mean(Quantity.JOULES_PER_TWEET) is not None for row in measured)
    measures = "accuracy, tweets a second and joules a tweet" if energy else "accuracy and tweets a second"
    return f"By {measures}, no other choice beats: {'; '.join(names)}."
