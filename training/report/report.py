"""Composes a report: reads results, makes tables and figures, writes Markdown and HTML."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from training.report.baseline import table_of_baseline
from training.report.claims import table_of_claims
from training.report.compression import table_of_compression
from training.report.devices import table_ii, table_of_systems
from training.report.document import Block, Document, Heading, Listing, Paragraph, Table
from training.report.energy_tables import table_of_energy, table_of_paper_power, table_of_uncertainty
from training.report.front import unbeaten_in_words
from training.report.how_to_read import HOW_TO_READ, MADE_BY
from training.report.html import to_html
from training.report.instructions import Count, read_instructions, table_of_instructions
from training.report.loading import Loaded, Recording, load_results
from training.report.markdown import to_markdown
from training.report.paper import PAPER, PAPER_FILE, Paper, load_paper, paper_rows
from training.report.pictures import draw
from training.report.quantities import WEIGHT_BITS
from training.report.rows import Row, rows_of
from training.report.tables import (
    NAME_HEADS,
    table_iii,
    table_iv,
    table_of_indices,
    table_of_latency,
    table_of_process,
    table_of_sizes,
)

TITLE = "Quantised transformers on edge devices"


@dataclass(frozen=True)
class ReportOptions:
    """Options of a report."""

    with_paper: bool = True
    """Show the paper's rows beside ours."""
    with_pictures: bool = True
    paper: Path = PAPER_FILE
    """File of the paper's numbers."""
    recordings: tuple[Recording, ...] = ()
    instructions: Path | None = None
    """Instructions per tweet, as in docs/arm/instructions.json."""


@dataclass(frozen=True)
class Contents:
    """Everything that a report shows."""

    loaded: Loaded
    rows: list[Row]
    """Our rows."""
    paper: Paper | None
    instructions: list[Count]

    @property
    def paper_rows(self) -> list[Row]:
        """Rows of the paper's Table IV."""
        return paper_rows(self.paper) if self.paper else []


def write_report(results: Sequence[Path], out: Path, options: ReportOptions) -> Document:
    """Write a report of any number of devices' results, or of the paper's numbers alone.

    Args:
        results: Folders that `starling experiment` filled, their files or their indexes; empty: the paper alone.
        out: Folder of the report.
        options: What the report shows.

    Raises:
        InputError: There is nothing to report, or the folder cannot be written.
    """
    contents = _contents(results, options)
    try:
        out.mkdir(parents=True, exist_ok=True)
        pictures = draw(contents.rows, contents.paper, out) if options.with_pictures else []
        document = Document(TITLE, tuple(_blocks(contents, pictures)))
        (out / "report.md").write_text(to_markdown(document), encoding="utf-8")
        (out / "report.html").write_text(to_html(document), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    return document


def _contents(results: Sequence[Path], options: ReportOptions) -> Contents:
    loaded = load_results(results, options.recordings)
    if results and not loaded.records:
        raise InputError("none of the results can be read: " + "; ".join(loaded.left_out))
    if not results and not options.with_paper:
        raise InputError("a report needs results, the paper's numbers, or both")
    rows = sorted(rows_of(loaded.records, loaded.device_names()), key=_order)
    paper = load_paper(options.paper) if options.with_paper else None
    instructions = read_instructions(options.instructions) if options.instructions else []
    return Contents(loaded, rows, paper, instructions)


def _order(row: Row) -> tuple[str, str, int, int]:
    precisions = list(WEIGHT_BITS)
    place = precisions.index(row.precision) if row.precision in precisions else len(precisions)
    return row.device, row.model, row.threads, place


def _blocks(contents: Contents, pictures: Sequence[Block]) -> list[Block]:
    rows, paper = contents.rows, contents.paper
    both = [*rows, *contents.paper_rows]
    records, names = contents.loaded.records, contents.loaded.device_names()
    blocks: list[Block | None] = [
        Paragraph(_introduction(contents)),
        *_left_out(contents.loaded),
        Heading("Hardware"),
        table_ii(records, names, paper),
        table_of_systems(records, names) if records else None,
        Heading("Scores"),
        table_iii([*rows, *_score_rows(contents)]),
        table_of_baseline(rows, paper),
        Heading("Sizes"),
        table_of_sizes(rows) if rows else None,
        table_of_compression(rows, paper),
        Heading("Time, utilisation and energy"),
        *_measured_tables(rows),
        table_of_instructions(contents.instructions, rows) if contents.instructions else None,
        table_iv(both),
        *_energy_tables(rows),
        table_of_paper_power(paper) if paper else None,
        Heading("Indices"),
        _if_any(table_of_indices(both)),
        Heading("Figures") if pictures else None,
        *pictures,
        *_unbeaten(rows),
        Heading("The paper's statements") if paper else None,
        table_of_claims(paper) if paper else None,
        Heading("How to read this"),
        Listing(HOW_TO_READ),
    ]
    return [block for block in blocks if block is not None]


def _measured_tables(rows: Sequence[Row]) -> list[Block | None]:
    return [_if_any(table_of_latency(rows)), _if_any(table_of_process(rows))] if rows else []


def _energy_tables(rows: Sequence[Row]) -> list[Block | None]:
    return [_if_any(table_of_energy(rows)), table_of_uncertainty(rows)] if rows else []


def _unbeaten(rows: Sequence[Row]) -> list[Block]:
    if not any(row.has_scores for row in rows):
        return []
    return [Heading("Not beaten"), Paragraph(unbeaten_in_words(rows))]


def _score_rows(contents: Contents) -> list[Row]:
    """Return the paper's Table III, whose rows are of no single device."""
    first_of_precision = {row.precision: row for row in reversed(contents.paper_rows)}
    return [dataclasses.replace(row, device=f"Embedded device{PAPER}") for row in reversed(first_of_precision.values())]


def _introduction(contents: Contents) -> str:
    records = contents.loaded.records
    if not records:
        return f"The paper's own numbers. {MADE_BY}"
    names = sorted(set(contents.loaded.device_names().values()))
    first, last = (choose(record.started_at for record in records) for choose in (min, max))
    days = f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    devices = f"{len(names)} device{'s' if len(names) > 1 else ''}"
    return f"{len(records)} runs on {devices} ({', '.join(names)}), {days}. {MADE_BY}"


def _if_any(table: Table) -> Block:
    """Return a table or, if it has no numbers, the reason."""
    if len(table.head) > len(NAME_HEADS):
        return table
    return Paragraph(f"{table.title}: nothing was measured. {table.notes[-1]}")


def _left_out(loaded: Loaded) -> list[Block | None]:
    return [Heading("Left out"), Listing(tuple(loaded.left_out))] if loaded.left_out else []
