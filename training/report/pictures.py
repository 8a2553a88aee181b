"""The figures of a report and their captions."""

from collections.abc import Sequence
from pathlib import Path

from training.report.document import Figure
from training.report.figures.dots import FIGURE_4, FIGURE_5, FIGURE_7, PAPER_FIGURE_5, dots
from training.report.figures.radar import radar
from training.report.figures.scatter import paper_power_scatter, power_scatter, tradeoff
from training.report.paper import Paper, paper_rows
from training.report.rows import Row

_FIGURE_4 = "Figure 4 a, b. CPU and memory of the whole system while labelling."
_FIGURE_4C = (
    "Figure 4 c. Mean power and time per tweet, ± combined standard uncertainty with the meter. Dotted lines: equal "
    "energy per tweet."
)
_FIGURE_5 = "Figure 5. FLOPS: operations per second."
_FIGURE_6 = (
    "Figure 6. Precisions compared; each spoke is the share of the best value on any device. Shaded: 95 % interval "
    "of the mean over the runs; no shading where it is narrower than the line, or of a single run."
)
_FIGURE_7 = "Figure 7. The indices SI, MPI and RER."
_TRADE_OFF = (
    "Accuracy against speed and cost. Whiskers: 95 % interval of the accuracy for other tweets of the same kind; "
    "across, as ± in the tables."
)
_OF_PAPER = "{} Rows of the paper (hollow), as printed."
_PAPER_4C = (
    "Figure 4 c of the paper's rows. The paper sums power readings and does not print how many per second, so each "
    "row has two possible powers. Dotted lines: equal energy per inference."
)


def draw(rows: Sequence[Row], paper: Paper | None, out: Path) -> list[Figure]:
    """Draw all figures; the paper's rows have their own, because other models cannot share an axis with ours.

    Args:
        rows: Our rows.
        paper: The paper's numbers; None: without them.
        out: Folder of the report.
    """
    pictures = _drawn_of_ours(rows, out) if rows else []
    if paper:
        pictures += _drawn_of_paper(paper, out)
    return [picture for picture in pictures if picture]


def _drawn_of_ours(rows: Sequence[Row], out: Path) -> list[Figure | None]:
    return [
        dots(rows, FIGURE_4, out, "figure-4", _FIGURE_4),
        power_scatter(rows, out, "figure-4c", _FIGURE_4C),
        dots(rows, FIGURE_5, out, "figure-5", _FIGURE_5),
        radar(rows, out, "figure-6", _FIGURE_6),
        dots(rows, FIGURE_7, out, "figure-7", _FIGURE_7),
        tradeoff(rows, out, "trade-off", _TRADE_OFF),
    ]


def _drawn_of_paper(paper: Paper, out: Path) -> list[Figure | None]:
    rows = paper_rows(paper)
    return [
        dots(rows, FIGURE_4, out, "figure-4-paper", _OF_PAPER.format(_FIGURE_4)),
        paper_power_scatter(paper, out, "figure-4c-paper", _PAPER_4C),
        dots(rows, PAPER_FIGURE_5, out, "figure-5-paper", _OF_PAPER.format(_FIGURE_5)),
        dots(rows, FIGURE_7, out, "figure-7-paper", _OF_PAPER.format(_FIGURE_7)),
    ]
