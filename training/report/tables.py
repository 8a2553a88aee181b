"""The report's tables: the paper's II, III and IV, and what it lacks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from training.report.document import Table
from training.report.quantities import Manner, Quantity
from training.report.rows import Row
from training.report.spread import Spread, wilson_interval

Q = Quantity
COLUMNS_OF_NAMES = 4
"""Device, model, weights, runs."""
UNKNOWN = "\N{EN DASH}"
_PRECISIONS = {"float32": "32 bit", "float16": "16 bit", "int8": "8 bit"}


@dataclass
class Footnotes:
    """Hands out letters for sentences, the same letter for the same sentence."""

    letters: dict[str, str] = field(default_factory=dict)

    def mark(self, sentences: Sequence[str]) -> str:
        """The letters of these sentences, to stand beside a number."""
        for sentence in sentences:
            self.letters.setdefault(sentence, _letter(len(self.letters)))
        return "".join(f" [{self.letters[sentence]}]" for sentence in dict.fromkeys(sentences))

    def notes(self) -> tuple[str, ...]:
        """All that were handed out."""
        return tuple(f"[{letter}] {sentence[:1].upper()}{sentence[1:]}." for sentence, letter in self.letters.items())


def _letter(number: int) -> str:
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("a") + last)


def precision_name(precision: str) -> str:
    """As the paper calls it."""
    return _PRECISIONS.get(precision, precision)


def device_name(row: Row) -> str:
    """A row's device, with a word on where its numbers are from."""
    return f"{row.device} (paper)" if row.from_paper else row.device


def table_ii(rows: Sequence[Row]) -> Table:
    """The models: their files and how well they label."""
    return _table("Table II. The models", rows, (Q.FILE_BYTES, Q.ACCURACY, Q.MACRO_F1, Q.TOKENS), _interval_column)


def table_iii(rows: Sequence[Row]) -> Table:
    """What the process itself takes."""
    columns = (Q.PROCESS_CPU, Q.PROCESS_CPU_SHARE, Q.PROCESS_CPU_PER_TWEET, Q.PROCESS_BYTES, Q.PROCESS_MEMORY_SHARE)
    return _table("Table III. The process's own CPU and memory", rows, (*columns, Q.LOAD_SECONDS))


def table_iv(rows: Sequence[Row]) -> Table:
    """What a device takes over the whole of the data, in the paper's units."""
    columns = (Q.SECONDS, Q.SECONDS_PER_TWEET, Q.FLOPS, Q.PAPER_FLOPS, Q.CPU, Q.MEMORY)
    energy = (Q.PAPER_POWER, Q.PAPER_WATTS_PER_SAMPLE)
    return _table("Table IV. Devices and precisions, as the paper counts", rows, (*columns, *energy))


def table_of_latency(rows: Sequence[Row]) -> Table:
    """Each tweet's time, from its text to its label, one after the other."""
    columns = (Q.LATENCY_P50, Q.LATENCY_P90, Q.LATENCY_P99, Q.TWEETS_PER_SECOND)
    return _table("Time from a tweet's text to its label", rows, columns)


def table_of_energy(rows: Sequence[Row]) -> Table:
    """The same in physical units."""
    columns = (Q.WATTS_BEFORE, Q.WATTS, Q.WATTS_AFTER, Q.JOULES_PER_TWEET, Q.JOULES_PER_CORRECT, Q.CELSIUS)
    return _table("Power and energy, in physical units", rows, columns)


def table_of_indices(rows: Sequence[Row]) -> Table:
    """The paper's equations (2), (3) and (4)."""
    return _table("The paper's indices, by its equations (2), (3), (4)", rows, (Q.SI, Q.MPI, Q.RER))


def _interval_column(row: Row) -> tuple[str, str]:
    head = "Accuracy, 95 % interval"
    interval = accuracy_interval(row)
    return head, f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else UNKNOWN


def accuracy_interval(row: Row) -> tuple[float, float] | None:
    """The 95 % interval of the accuracy on tweets of this kind; runs share their tweets, so those of one count."""
    if not row.tweets:
        return None
    return wilson_interval(round(row.correct / row.runs), round(row.tweets / row.runs))


def _table(
    title: str,
    rows: Sequence[Row],
    quantities: Sequence[Quantity],
    extra: Callable[[Row], tuple[str, str]] | None = None,
) -> Table:
    shown = [quantity for quantity in quantities if any(row.mean(quantity) is not None for row in rows)]
    footnotes = Footnotes()
    body = []
    for row in rows:
        cells = [_cell(row, quantity, footnotes) for quantity in shown]
        body.append((*_name(row), *cells, *([extra(row)[1]] if extra else [])))
    heads = [quantity.manner.axis for quantity in shown] + ([extra(rows[0])[0]] if extra and rows else [])
    missing = [quantity.manner.title for quantity in quantities if quantity not in shown]
    reasons = [caveat.says for row in rows for q in quantities if q not in shown for caveat in row.caveats_of(q)]
    notes = footnotes.notes() + _missing(missing, reasons)
    return Table(title, ("Device", "Model", "Weights", "Runs", *heads), tuple(body), notes, columns_of_words=3)


def _name(row: Row) -> tuple[str, str, str, str]:
    threads = "" if row.threads == 1 else f", {row.threads} threads"
    runs = UNKNOWN if row.from_paper else str(row.runs)
    return device_name(row), row.model + threads, precision_name(row.precision), runs


def _missing(titles: Sequence[str], reasons: Sequence[str]) -> tuple[str, ...]:
    if not titles:
        return ()
    why = f" ({'; '.join(dict.fromkeys(reasons))})" if reasons else ""
    return (f"Not shown, for no row has it{why}: {', '.join(dict.fromkeys(titles))}.",)


def _cell(row: Row, quantity: Quantity, footnotes: Footnotes) -> str:
    found = row.values.get(quantity)
    written = written_spread(found, quantity.manner) if found else UNKNOWN
    says = [caveat.says for caveat in row.caveats_of(quantity)]
    if found and len(found.values) < row.runs:
        says.append(f"of {len(found.values)} of {row.runs} runs")
    return written + footnotes.mark(says)


def written_spread(found: Spread, manner: Manner) -> str:
    """A mean and its standard deviation, to as many digits as make sense."""
    mean = found.mean * manner.scale
    if found.deviation is None:
        return rounded(mean, manner.digits)
    deviation = found.deviation * manner.scale
    if _is_plain(mean):
        places = decimal_places(mean, manner.digits)
        return f"{mean:,.{places}f} ± {deviation:,.{places}f}"
    exponent = math.floor(math.log10(abs(mean)))
    return f"({mean / 10**exponent:.2f} ± {deviation / 10**exponent:.2f})e{exponent}"


def rounded(value: float, digits: int) -> str:
    """Write a number to so many significant digits."""
    return f"{value:,.{decimal_places(value, digits)}f}" if _is_plain(value) else f"{value:.{digits}g}"


def decimal_places(value: float, digits: int) -> int:
    """How many places after the point show so many significant digits."""
    return digits - 1 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))


def _is_plain(value: float) -> bool:
    """Whether a number is read more easily without an exponent."""
    return value == 0 or 1e-3 <= abs(value) < 1e6  # noqa: PLR2004
