"""The paper's statements about its results, checked against its own tables."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from training.report.document import Table
from training.report.indices import READING_RATES
from training.report.paper import Paper, PaperRow, paper_rows
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import precision_name, rounded

Q = Quantity
Verdict = Literal["holds", "does not hold", "depends", "cannot be checked", "not discussed"]
PI_3B, PI_3B_PLUS, PI_4B = "Raspberry Pi 3B", "Raspberry Pi 3B+", "Raspberry Pi 4B"
_PRECISIONS = ("float32", "float16", "int8")
_FLOAT32_BYTES = 4
_ADAM_COPIES = 3
"""An optimiser's checkpoint: the weights and two moments."""
_TOLERANCE = 0.02
_ODD = 0.1
_ROUNDING = 0.0051
"""Two printed decimal places."""


@dataclass(frozen=True)
class Checked:
    """A statement with its verdict and the numbers behind it."""

    statement: str
    verdict: Verdict
    numbers: str


def table_of_claims(paper: Paper) -> Table:
    """Compare each statement of the paper with its own tables."""
    checked = [_checked(statement, check, paper) for statement, check in _CHECKS.items()]
    return Table(
        "The paper's statements, checked against its own tables",
        ("Statement of the paper", "Verdict", "Numbers"),
        tuple((each.statement, each.verdict, each.numbers) for each in checked),
        columns_of_words=3,
    )


Check = Callable[[Paper], tuple[Verdict, str]]


def _checked(statement: str, check: Check, paper: Paper) -> Checked:
    try:
        return Checked(statement, *check(paper))
    except (LookupError, ValueError) as error:
        return Checked(statement, "cannot be checked", f"numbers are missing: {error}")


def _one_tweet_a_second(paper: Paper) -> tuple[Verdict, str]:
    rows = paper.of_precision("int8")
    slowest = max(rows, key=lambda row: row.seconds_per_tweet.value)
    seconds = slowest.seconds_per_tweet.value
    needed = paper.text.tweets_per_second.value
    verdict: Verdict = "holds" if 1 / seconds >= needed else "does not hold"
    fast = sum(1 / row.seconds_per_tweet.value >= needed for row in paper.rows)
    return verdict, (
        f"{slowest.device} at 8 bit: {seconds:g} s per tweet, {1 / seconds:.2f} per second. "
        f"{fast} of {len(paper.rows)} rows reach it"
    )


def _accuracy_drop(paper: Paper) -> tuple[Verdict, str]:
    drop = paper.text.accuracy_drop.value
    lowest = min(row.accuracy.value for row in paper.scores)
    highest = max(row.accuracy.value for row in paper.scores)
    return "cannot be checked", (
        f"no accuracy of BERT Large is printed. A drop of {100 * drop:.1f} points to {highest:g} would be from "
        f"{highest + drop:.3f}; of {100 * drop:.1f} %, from {highest / (1 - drop):.3f}. The abstract says against "
        f"BERT Large, Section IV-B by the conversion, which costs {highest - lowest:.3f} within Table III"
    )


def _compression(paper: Paper) -> tuple[Verdict, str]:
    small = min(row.file_bytes.value for row in paper.rows)
    text = paper.text
    weights = text.bert_large_parameters.value * _FLOAT32_BYTES
    printed = text.bert_large_bytes.value / small
    verdict: Verdict = (
        "depends" if math.isclose(printed, text.compression_ratio.value, rel_tol=_TOLERANCE) else "does not hold"
    )
    return verdict, (
        f"{text.bert_large_bytes.value / 1e9:g} GB against {small / 1e6:g} MB is {printed:.0f} times. "
        f"{text.bert_large_parameters.value / 1e6:.0f} M weights of 4 bytes are {weights / 1e9:.2f} GB, "
        f"{weights / small:.0f} times; with an optimiser's two moments {_ADAM_COPIES * weights / 1e9:.2f} GB. "
        f"MobileBERT itself: {text.mobilebert_bytes.value / 1e6:g} MB to {small / 1e6:g} MB, "
        f"{text.mobilebert_bytes.value / small:.0f} times"
    )


def _slowdowns(paper: Paper) -> tuple[Verdict, str]:
    text = paper.text
    first = paper.row(PI_3B, "float32").seconds_per_tweet.value / text.slowdown_3b_float32.value
    second = paper.row(PI_3B_PLUS, "float32").seconds_per_tweet.value / text.slowdown_3b_plus_float32.value
    verdict: Verdict = "holds" if math.isclose(first, second, rel_tol=_TOLERANCE) else "does not hold"
    return (
        verdict,
        f"both imply the same time of BERT Large on the workstation: {first:.3f} s and {second:.3f} s per tweet",
    )


def _slowdown_of_the_4b(paper: Paper) -> tuple[Verdict, str]:
    text = paper.text
    baseline = paper.row(PI_3B, "float32").seconds_per_tweet.value / text.slowdown_3b_float32.value
    seconds = paper.row(PI_4B, "int8").seconds_per_tweet.value
    implied = seconds / baseline
    printed = text.slowdown_4b_int8.value
    verdict: Verdict = "holds" if math.isclose(implied, printed, rel_tol=_TOLERANCE) else "does not hold"
    return verdict, (
        f"{seconds:g} s against the {baseline:.3f} s that the other two ratios imply is {implied:.2f} times; "
        f"{printed:g} times would need {seconds / printed:.3f} s"
    )


def _process_cpu(paper: Paper) -> tuple[Verdict, str]:
    used = [row.cpu.value for row in paper.rows]
    return "depends", (
        f"true of a process that keeps one of four cores busy. Table IV has {100 * min(used):.1f} to "
        f"{100 * max(used):.1f} %, presumably of the whole system; on the 3B it is "
        f"{100 * paper.row(PI_3B, 'float32').cpu.value:.1f} %, which one thread does not explain"
    )


def _lowest_cpu(paper: Paper) -> tuple[Verdict, str]:
    pairs = [(paper.row(PI_3B_PLUS, each).cpu.value, paper.row(PI_4B, each).cpu.value) for each in _PRECISIONS]
    verdict: Verdict = "holds" if all(plus < four for plus, four in pairs) else "does not hold"
    said = ", ".join(
        f"{100 * plus:.1f} and {100 * four:.1f} % at {precision_name(each)}"
        for (plus, four), each in zip(pairs, _PRECISIONS, strict=True)
    )
    return verdict, f"3B+ and 4B: {said}"


def _lowest_memory(paper: Paper) -> tuple[Verdict, str]:
    lowest = min(paper.rows, key=lambda row: row.memory.value)
    gigabytes = {row.device: row.memory_gigabytes.value for row in paper.hardware}
    used = {row.device: row.memory.value * gigabytes[row.device] for row in paper.of_precision("int8")}
    verdict: Verdict = "depends" if lowest.device == PI_4B else "does not hold"
    said = ", ".join(f"{device.removeprefix('Raspberry Pi ')} {value:.2f} GB" for device, value in used.items())
    return verdict, f"in percent, yes; but of 4 GB instead of 1 GB. At 8 bit: {said}"


def _sixteen_bit_memory(paper: Paper) -> tuple[Verdict, str]:
    pairs = [
        (paper.row(board, "float16").memory.value, paper.row(board, "float32").memory.value) for board in _boards(paper)
    ]
    if not all(half > full for half, full in pairs):
        return "not discussed", "16 bit does not use more memory than 32 bit on every board"
    said = ", ".join(f"{100 * half:.1f} > {100 * full:.1f} %" for half, full in pairs)
    return (
        "not discussed",
        f"16 bit uses more memory than 32 bit on every board ({said}): its weights are converted when loaded",
    )


def _highest_flops(paper: Paper) -> tuple[Verdict, str]:
    return _leader(paper, lambda row: row.flops.value, PI_4B, "FLOPS")


def _lowest_power(paper: Paper) -> tuple[Verdict, str]:
    lowest = {each: min(paper.of_precision(each), key=lambda row: row.paper_power.value).device for each in _PRECISIONS}
    rate = {each: min(paper.of_precision(each), key=lambda row: row.power_per_second).device for each in _PRECISIONS}
    if set(lowest.values()) == {PI_3B}:
        return "holds", "lowest 'Power (KW)' at every precision"
    if set(rate.values()) == {PI_3B}:
        return "depends", (
            f"by 'Power' divided by time, yes. The printed 'Power (KW)' is lowest for "
            f"{' and '.join(sorted(set(lowest.values())))} at every precision"
        )
    return "does not hold", f"lowest 'Power (KW)': {', '.join(lowest.values())}"


def _power_is_a_power(paper: Paper) -> tuple[Verdict, str]:
    by_board = [
        f"{board.removeprefix('Raspberry Pi ')} "
        f"{statistics.median(row.power_per_second for row in paper.rows if row.device == board):.0f}"
        for board in _boards(paper)
    ]
    first, second = READING_RATES
    return "does not hold", (
        f"it is a sum of readings: divided by the time it is about constant per board ({', '.join(by_board)} W per "
        f"second). The number of readings per second is not printed; at {first:.0f} the boards would use more power "
        f"than with all four cores busy, at {second:.0f} between idle and that. So joules per tweet are known only up "
        "to this factor"
    )


def _si(paper: Paper) -> tuple[Verdict, str]:
    best, second = sorted(paper_rows(paper), key=lambda row: row.mean(Q.SI) or 0.0)[:-3:-1]
    verdict: Verdict = "holds" if _is(best, PI_4B, "int8") else "does not hold"
    return verdict, f"{best.mean(Q.SI):,.0f}; next {_name(second)} with {second.mean(Q.SI):,.0f}"


def _mpi(paper: Paper) -> tuple[Verdict, str]:
    best = max(paper_rows(paper), key=lambda row: row.mean(Q.MPI) or 0.0)
    by_rate = max(paper.rows, key=lambda row: (row.accuracy.value + row.macro_f1.value) / row.power_per_second)
    if not _is(best, PI_4B, "int8"):
        return "does not hold", f"highest: {_name(best)}"
    return "depends", (
        f"{best.mean(Q.MPI):.3g} with 'Power (KW)'. With the mean power instead ('Power' divided by time), "
        f"{by_rate.device} at {precision_name(by_rate.precision)} leads"
    )


def _rer(paper: Paper) -> tuple[Verdict, str]:
    rows = paper_rows(paper)
    leaders = {each: _best(rows, each, Q.RER) for each in _PRECISIONS}
    if any(not row.device.startswith(PI_3B_PLUS) for row in leaders.values()):
        return "does not hold", f"highest: {', '.join(_name(row) for row in leaders.values())}"
    with_power = sorted({_best(rows, each, Q.RER_OF_POWER).device.split(" (")[0] for each in _PRECISIONS})
    lowest_plus = leaders["int8"].mean(Q.RER) or 0.0
    above = [_name(row) for row in rows if row.device.startswith(PI_4B) and (row.mean(Q.RER) or 0.0) > lowest_plus]
    return "depends", (
        "at each precision, if E_tot is 'Power' times time "
        f"({', '.join(f'{row.mean(Q.RER):,.0f}' for row in leaders.values())}); but its 8 bit is below "
        f"{' and '.join(above)}. If E_tot is 'Power' alone, {' and '.join(with_power)} leads"
    )


def _rer_sense(paper: Paper) -> tuple[Verdict, str]:
    rows = {(row.device, row.precision): row.mean(Q.RER) or 0.0 for row in paper_rows(paper)}
    boards = {device for device, _ in rows}
    reversed_sense = all(rows[board, "float32"] > rows[board, "int8"] for board in boards)
    verdict: Verdict = "does not hold" if reversed_sense else "depends"
    return verdict, (
        "energy is in the numerator and utilisation in the denominator: what uses more energy is 'more efficient'"
        + (", and 32 bit is ahead of 8 bit on every board" if reversed_sense else "")
    )


def _maximum(paper: Paper) -> tuple[Verdict, str]:
    row = max(paper.scores, key=lambda each: each.max_accuracy.value)
    seeds, plus_minus = int(paper.text.seeds.value), row.accuracy.plus_minus
    if plus_minus is None:
        raise LookupError("no ± of the accuracy")
    as_deviation = _highest_possible(row.accuracy.value, plus_minus, seeds)
    as_error = _highest_possible(row.accuracy.value, plus_minus * math.sqrt(seeds), seeds)
    possible = row.max_accuracy.value - 0.005 <= as_deviation
    verdict: Verdict = "holds" if possible else "depends"
    return verdict, (
        f"of {seeds} values with this mean none can be above {as_deviation:.4f} if ± is their standard deviation, nor "
        f"above {as_error:.4f}, which rounds to {as_error:.2f}, if it is the standard error of the mean"
    )


def _plus_minus(paper: Paper) -> tuple[Verdict, str]:
    given = sorted((row.accuracy.plus_minus or 0.0, row.precision) for row in paper.scores)
    (_, _), (middle, _), (largest, precision) = given
    verdict: Verdict = "does not hold" if largest > 3 * middle else "holds"
    return verdict, (
        f"{precision_name(precision)} has ±{largest:g}, {largest / middle:.0f} times the next; ±{largest / 10:.2g} "
        "would fit (suspicion)"
    )


def _time_of_the_odd_row(paper: Paper) -> tuple[Verdict, str]:
    products = {(row.device, row.precision): row.flops.value * row.seconds_per_tweet.value for row in paper.rows}
    usual = paper.derived.operations_per_tweet.value
    odd = [key for key, product in products.items() if abs(product / usual - 1) > _ODD]
    if not odd:
        return "holds", f"{rounded(usual, 3)} operations per tweet in every row"
    device, precision = odd[0]
    row = paper.row(device, precision)
    fits = row.seconds.value * usual / products[device, precision]
    return "does not hold", (
        f"FLOPS times time is about {rounded(usual, 3)} operations per tweet in every row but {device} at "
        f"{precision_name(precision)}: {rounded(products[device, precision], 3)}. About {fits:,.0f} s instead of "
        f"{row.seconds.value:,.0f} s would fit"
    )


def _flops_count(paper: Paper) -> tuple[Verdict, str]:
    usual = paper.derived.operations_per_tweet.value
    return "cannot be checked", (
        f"{rounded(usual, 3)} operations per tweet are MobileBERT at 9 tokens by our count, against 5.4e9 at 128, and "
        "the paper prints no length. The measured times fit many tens of tokens, so the column is probably too low "
        "by an order of magnitude (suspicion)"
    )


def _tweets(paper: Paper) -> tuple[Verdict, str]:
    tweets = paper.derived.test_tweets.value
    fitting = sum(_fits(row, tweets) for row in paper.rows)
    verdict: Verdict = "holds" if fitting == len(paper.rows) else "depends"
    return (
        verdict,
        f"{tweets:,.0f} tweets give the printed 'W/sample' from 'Power' in {fitting} of {len(paper.rows)} rows",
    )


def _fits(row: PaperRow, tweets: float) -> bool:
    watts = 1000 * row.paper_power.value / tweets
    return abs(watts - row.paper_watts_per_sample.value) <= _ROUNDING


def _leader(paper: Paper, value: Callable[[PaperRow], float], device: str, name: str) -> tuple[Verdict, str]:
    leaders = {each: max(paper.of_precision(each), key=value) for each in _PRECISIONS}
    verdict: Verdict = "holds" if {row.device for row in leaders.values()} == {device} else "does not hold"
    said = ", ".join(f"{rounded(value(row), 3)} at {precision_name(each)}" for each, row in leaders.items())
    return verdict, f"highest {name}: {said}"


def _best(rows: Sequence[Row], precision: str, quantity: Quantity) -> Row:
    return max((row for row in rows if row.precision == precision), key=lambda row: row.mean(quantity) or 0.0)


def _boards(paper: Paper) -> list[str]:
    return list(dict.fromkeys(row.device for row in paper.rows))


def _highest_possible(mean: float, deviation: float, count: int) -> float:
    """Return the highest value that a sample of this mean and standard deviation can have (Samuelson's inequality)."""
    return mean + (count - 1) / math.sqrt(count) * deviation


def _is(row: Row, device: str, precision: str) -> bool:
    return row.device.split(" (")[0] == device and row.precision == precision


def _name(row: Row) -> str:
    return f"{row.device.split(' (')[0]} at {precision_name(row.precision)}"


_CHECKS: dict[str, Check] = {
    "All 8-bit models classify at least one tweet per second (abstract: on edge devices)": _one_tweet_a_second,
    "4.1 % drop in accuracy": _accuracy_drop,
    "160 times smaller than BERT Large": _compression,
    "32 bit is 5.55 (3B) and 4.76 times (3B+) slower than BERT Large on the workstation": _slowdowns,
    "8 bit on the 4B is 1.15 times slower than BERT Large on the workstation": _slowdown_of_the_4b,
    "About 25 % CPU on the boards": _process_cpu,
    "The 3B+ has the lowest average CPU utilisation": _lowest_cpu,
    "The 4B has the lowest memory utilisation": _lowest_memory,
    "Memory at 16 bit": _sixteen_bit_memory,
    "FLOPS are highest on the 4B": _highest_flops,
    "The FLOPS column": _flops_count,
    "'Power (KW)' is a power": _power_is_a_power,
    "The 3B needs the least power": _lowest_power,
    "SI is highest for the 4B at 8 bit": _si,
    "MPI is highest for the 4B at 8 bit": _mpi,
    "RER is highest for the 3B+": _rer,
    "RER measures efficiency": _rer_sense,
    "Maximum accuracy 0.70 at 32 bit, with 0.685 ± 0.0031 over five seeds": _maximum,
    "The ± of the accuracies (Table III)": _plus_minus,
    "Time, FLOPS and power of each row agree (Table IV)": _time_of_the_odd_row,
    "One number of test tweets for all rows (not printed)": _tweets,
}
