"""Writes a report as one HTML file that holds all it needs, pictures too, and prints well."""

import re
from html import escape

from training.report.document import Block, Document, Figure, Heading, Listing, Paragraph, Table

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
th, td { padding: 0.3rem 0.6rem; text-align: right; vertical-align: bottom; }
.words { text-align: left; } td { white-space: nowrap; }
thead { border-bottom: 1px solid #000; }
.notes { font: 0.8rem/1.4 system-ui, sans-serif; color: #333; margin: 0.3rem 0 0; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } }
"""


def to_html(document: Document) -> str:
    """Write it."""
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
    return (
        f'<div class="table"><table><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"
    )


def _cells(tag: str, cells: tuple[str, ...], of_words: int) -> str:
    words = "".join(f'<{tag} class="words">{escape(cell)}</{tag}>' for cell in cells[:of_words])
    return words + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells[of_words:])


def _inline(figure: Figure) -> str:
    """The picture's SVG within the page: its ids made its own, lest those of two pictures meet."""
    svg = figure.svg[figure.svg.index("<svg") :]
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{figure.name}-", svg)
