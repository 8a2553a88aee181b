"""Report as one HTML file that includes its pictures and is suitable for printing."""

import re
from html import escape

from training.report.document import Block, Document, Figure, Heading, Listing, Paragraph, Table

_COLUMNS_OF_A_PORTRAIT_PAGE = 10
_ROWS_OF_A_PAGE = 24
_CHARACTERS_OF_A_SHORT_CELL = 26
_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 "Source Serif 4", Georgia, serif; color: #1a1a1a; background: #fff; max-width: 62rem;
  margin: 3rem auto; padding: 0 1.5rem; }
h1, h2 { font-family: system-ui, sans-serif; line-height: 1.2; } h1 { font-size: 1.9rem; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; }
figure { margin: 2rem 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
figcaption, caption { font: 0.9rem/1.4 system-ui, sans-serif; color: #333; text-align: left; }
figcaption { margin-top: 0.5rem; } caption { margin-bottom: 0.4rem; font-weight: 600; }
.table { overflow-x: auto; margin: 1.5rem 0; break-inside: avoid; }
table { border-collapse: collapse; font: 0.85rem/1.4 system-ui, sans-serif; font-variant-numeric: tabular-nums;
  border-top: 2px solid #000; border-bottom: 2px solid #000; width: 100%; }
th, td { padding: 0.3rem 0.5rem; text-align: right; vertical-align: bottom; }
td { vertical-align: top; }
.words { text-align: left; } .short { white-space: nowrap; }
tbody tr:nth-child(even) { background: #f5f5f5; }
thead { border-bottom: 1px solid #000; }
.notes { font: 0.8rem/1.4 system-ui, sans-serif; color: #333; margin: 0.3rem 0 0; }
@page { size: A4; margin: 15mm; }
@page wide { size: A4 landscape; margin: 12mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 10pt; }
  .table { overflow: visible; } .long { break-inside: auto; }
  table { font-size: 7.5pt; } th, td { padding: 0.15rem 0.3rem; }
  thead { display: table-header-group; } tr { break-inside: avoid; }
  h2, caption { break-after: avoid; }
  .wide { page: wide; } .wide table { font-size: 7pt; }
}
"""


def to_html(document: Document) -> str:
    """Return a report as HTML."""
    title = escape(document.title)
    body = "\n".join(map(_block, document.blocks))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Listing(items):
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
        case Table():
            return _table(block)
        case Figure():
            return (
                f'<figure role="img" aria-label="{escape(block.alternative)}">{_inline(block)}'
                f"<figcaption>{escape(block.title)}</figcaption></figure>"
            )


def _table(table: Table) -> str:
    head = _cells("th", table.head, table.columns_of_words)
    rows = "".join(f"<tr>{_cells('td', row, table.columns_of_words)}</tr>" for row in table.body)
    notes = "".join(f'<p class="notes">{escape(note)}</p>' for note in table.notes)
    wide = " wide" if len(table.head) > _COLUMNS_OF_A_PORTRAIT_PAGE else ""
    kind = f"table{wide}{' long' if len(table.body) > _ROWS_OF_A_PAGE else ''}"
    return (
        f'<div class="{kind}"><table><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"
    )


def _cells(tag: str, cells: tuple[str, ...], of_words: int) -> str:
    return "".join(
        f'<{tag} class="{_class(tag, cell, in_words=column < of_words)}">{escape(cell)}</{tag}>'
        for column, cell in enumerate(cells)
    )


def _class(tag: str, cell: str, *, in_words: bool) -> str:
    """Return the classes of a cell; a short one of the body is not broken into lines, which browsers do at hyphens."""
    short = tag == "td" and len(cell) <= _CHARACTERS_OF_A_SHORT_CELL
    return " ".join([*(["words"] if in_words else []), *(["short"] if short else [])])


def _inline(figure: Figure) -> str:
    """Return a picture's SVG for the page, with ids that differ from those of the other pictures."""
    svg = figure.svg[figure.svg.index("<svg") :]
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{figure.name}-", svg)
