"""The report's tables: the paper's Tables II, III and IV, and further ones."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from training.report.document import Table
from training.report.quantities import Manner, Quantity
from training.report.rows import Row
from training.report.spread import Spread, wilson_interval

Q = Quantity
NAME_HEADS = ("Device", "Model", "Weights", "Runs")
UNKNOWN = "\N{EN DASH}"
_PRECISIONS = {"float32": "32 bit", "float16": "16 bit", "int8": "8 bit"}
_COMPUTED = frozenset({Q.SI, Q.MPI, Q.RER, Q.RER_OF_POWER, Q.TWEETS_PER_SECOND})
"""Quantities that the paper does not print."""
_DEVIATION = "mean ± standard deviation over the runs"


@dataclass
class Footnotes:
    """Assigns letters to sentences, the same letter to the same sentence."""

    letters: dict[str, str] = field(default_factory=dict)

    def mark(self, sentences: Sequence[str]) -> str:
        """Return the letters of sentences, to stand beside a number."""
        for sentence in sentences:
            self.letters.setdefault(sentence, _letter(len(self.letters)))
        return "".join(f" [{self.letters[sentence]}]" for sentence in dict.fromkeys(sentences))

    def notes(self) -> tuple[str, ...]:
        """Return all footnotes."""
        return tuple(f"[{letter}] {sentence[:1].upper()}{sentence[1:]}." for sentence, letter in self.letters.items())


Column = tuple[str, Callable[[Row], str]]
"""A head, and the cell of a row."""


def _letter(number: int) -> str:
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("a") + last)


def precision_name(precision: str) -> str:
    """Return a precision as the paper writes it."""
    return _PRECISIONS.get(precision, precision)


def table_iii(rows: Sequence[Row]) -> Table:
    """Show the scores as Table III, with the interval of the accuracy and, with entities, the measures of RepLab."""
    replab = [quantity for quantity in (Q.RELIABILITY, Q.SENSITIVITY, Q.REPLAB_F) if _is_known(rows, quantity)]
    maxima: list[Column] = [("Max accuracy", _maximum(Q.ACCURACY)), ("Max F", _maximum(Q.MACRO_F1))]
    extra = [*maxima, ("Accuracy, 95 % interval", _interval), ("Tweets", _tweets)]
    notes = (
        (
            "± of our rows is the standard deviation over the runs; what the paper's ± is, it does not say. The "
            "interval is Wilson's, for other tweets of the same kind"
        ),
        *(["Reliability, sensitivity and F(R, S) are means over the entities, as in RepLab 2013"] if replab else []),
    )
    return quantity_table("Table III. Scores", rows, (Q.ACCURACY, Q.MACRO_F1, *replab), extra, notes)


def table_iv(rows: Sequence[Row]) -> Table:
    """Show time, power, scores and utilisation of devices and precisions as the paper's Table IV."""
    columns = (
        Q.PAPER_POWER,
        Q.SECONDS,
        Q.PAPER_WATTS_PER_SAMPLE,
        Q.SECONDS_PER_TWEET,
        Q.FLOPS,
        Q.PAPER_FLOPS,
        Q.ACCURACY,
        Q.MACRO_F1,
        Q.CPU,
        Q.MEMORY,
    )
    notes = (
        f"{_DEVIATION[:1].upper()}{_DEVIATION[1:]}; of 'Power' and 'W/sample', ± standard uncertainty with the meter",
    )
    return quantity_table("Table IV. Devices and precisions, in the paper's units", rows, columns, notes=notes)


def table_of_sizes(rows: Sequence[Row]) -> Table:
    """Show file sizes, the length of the tweets and the time to load."""
    return quantity_table(f"Sizes and loading ({_DEVIATION})", rows, (Q.FILE_BYTES, Q.TOKENS, Q.LOAD_SECONDS))


def table_of_process(rows: Sequence[Row]) -> Table:
    """Show CPU and memory of the process alone, and the processor's temperature."""
    columns = (Q.PROCESS_CPU, Q.PROCESS_CPU_SHARE, Q.PROCESS_CPU_PER_TWEET, Q.PROCESS_BYTES, Q.PROCESS_MEMORY_SHARE)
    title = f"CPU and memory of the process, and temperature ({_DEVIATION})"
    return quantity_table(title, rows, (*columns, Q.CELSIUS))


def table_of_latency(rows: Sequence[Row]) -> Table:
    """Show the time from a tweet's text to its label, one tweet after the other."""
    columns = (Q.LATENCY_P50, Q.LATENCY_P90, Q.LATENCY_P99, Q.TWEETS_PER_SECOND)
    return quantity_table(f"Time from a tweet's text to its label ({_DEVIATION})", rows, columns)


def table_of_indices(rows: Sequence[Row]) -> Table:
    """Show the paper's equations (2), (3) and (4), the last for both readings of 'energy'."""
    title = f"The paper's indices, by its equations (2), (3), (4) ({_DEVIATION})"
    return quantity_table(title, rows, (Q.SI, Q.MPI, Q.RER, Q.RER_OF_POWER))


def _maximum(quantity: Quantity) -> Callable[[Row], str]:
    def written(row: Row) -> str:
        highest = row.highest(quantity)
        if highest is None:
            return UNKNOWN
        return f"{highest:.2f}" if row.from_paper else rounded(highest, quantity.manner.digits)

    return written


def _interval(row: Row) -> str:
    interval = accuracy_interval(row)
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else UNKNOWN


def _tweets(row: Row) -> str:
    return f"{round(row.tweets / row.runs):,}" if row.tweets else UNKNOWN


def accuracy_interval(row: Row) -> tuple[float, float] | None:
    """Return the 95 % interval of the accuracy; the runs share their tweets, so the tweets of one run count."""
    if not row.tweets:
        return None
    return wilson_interval(round(row.correct / row.runs), round(row.tweets / row.runs))


def _is_known(rows: Sequence[Row], quantity: Quantity) -> bool:
    return any(row.mean(quantity) is not None for row in rows)


def quantity_table(
    title: str,
    rows: Sequence[Row],
    quantities: Sequence[Quantity],
    extra: Sequence[Column] = (),
    notes: Sequence[str] = (),
) -> Table:
    """Show quantities of rows; a quantity that no row has is named below with the reason."""
    shown = [quantity for quantity in quantities if _is_known(rows, quantity)]
    footnotes = Footnotes()
    body = []
    for row in rows:
        cells = [_cell(row, quantity, footnotes) for quantity in shown]
        body.append((*row_name(row), *cells, *(written(row) for _, written in extra)))
    heads = [quantity.manner.axis for quantity in shown] + [head for head, _ in extra]
    missing = [quantity for quantity in quantities if quantity not in shown]
    below = (*(f"{note}." for note in notes), *footnotes.notes(), *_missing(rows, missing))
    return Table(title, (*NAME_HEADS, *heads), tuple(body), below, columns_of_words=3)


def row_name(row: Row) -> tuple[str, str, str, str]:
    """Return the cells that name a row: device, model, weights, number of runs."""
    threads = "" if row.threads == 1 else f", {row.threads} threads"
    runs = UNKNOWN if row.from_paper else str(row.runs)
    return row.device, row.model + threads, precision_name(row.precision), runs


def _missing(rows: Sequence[Row], quantities: Sequence[Quantity]) -> tuple[str, ...]:
    if not quantities:
        return ()
    reasons = dict.fromkeys(caveat.says for row in rows for each in quantities for caveat in row.caveats_of(each))
    why = f" ({'; '.join(reasons)})" if reasons else ""
    titles = dict.fromkeys(quantity.manner.title for quantity in quantities)
    return (f"Not shown, because no row has it{why}: {', '.join(titles)}.",)


def _cell(row: Row, quantity: Quantity, footnotes: Footnotes) -> str:
    found = row.values.get(quantity)
    written = _written(row, quantity, found) if found else UNKNOWN
    says = [caveat.says for caveat in row.caveats_of(quantity)]
    if found and len(found.values) < row.runs:
        says.append(f"in {len(found.values)} of {row.runs} runs")
    return written + footnotes.mark(says)


def _written(row: Row, quantity: Quantity, found: Spread) -> str:
    """Write a quantity; a number of the paper without ± as it is printed."""
    if row.from_paper and quantity not in _COMPUTED and found.deviation is None:
        return f"{found.mean * quantity.manner.scale:,.6g}"
    return written_spread(found, quantity.manner)


def written_spread(found: Spread, manner: Manner) -> str:
    """Write a mean and its ±: the standard uncertainty if a power meter measured it, else the standard deviation."""
    mean = found.mean * manner.scale
    plus_minus = found.deviation
    if found.meter and (uncertainty := found.uncertainty):
        plus_minus = uncertainty.combined
    if plus_minus is None:
        return rounded(mean, manner.digits)
    if found.stated_deviation is not None:
        return f"{rounded(mean, manner.digits)} ± {plus_minus * manner.scale:g}"
    return with_error(mean, plus_minus * manner.scale, manner.digits)


def with_error(value: float, error: float, digits: int) -> str:
    """Write a value and its error with the same number of decimal places."""
    if _is_plain(value):
        places = decimal_places(value, digits)
        return f"{value:,.{places}f} ± {error:,.{places}f}"
    exponent = math.floor(math.log10(abs(value)))
    return f"({value / 10**exponent:.2f} ± {error / 10**exponent:.2f})e{exponent}"


def rounded(value: float, digits: int) -> str:
    """Write a number with so many significant digits."""
    if _is_plain(value):
        return f"{value:,.{decimal_places(value, digits)}f}"
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def decimal_places(value: float, digits: int) -> int:
    """Return the number of decimal places that show so many significant digits."""
    return digits - 1 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))


def _is_plain(value: float) -> bool:
    """Return whether a number is easier to read without an exponent."""
    return value == 0 or 1e-3 <= abs(value) < 1e6  # noqa: PLR2004
