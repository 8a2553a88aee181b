"""Report as Markdown."""

from training.report.document import Block, Document, Figure, Heading, Listing, Paragraph, Table

FIGURES_FOLDER = "figures"


def to_markdown(document: Document) -> str:
    """Return a report as Markdown, with links to the picture files."""
    return "\n\n".join([f"# {document.title}", *map(_block, document.blocks)]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text):
            return text
        case Listing(items):
            return "\n".join(f"- {item}" for item in items)
        case Table():
            return _table(block)
        case Figure():
            return f"![{block.alternative}]({FIGURES_FOLDER}/{block.name}.svg)\n\n*{block.title}*"


def _table(table: Table) -> str:
    rule = ["---"] * table.columns_of_words + ["---:"] * (len(table.head) - table.columns_of_words)
    lines = [_line(table.head), _line(rule), *map(_line, table.body)]
    return "\n\n".join([f"**{table.title}**", "\n".join(lines), *table.notes])


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
