"""Tables of power and energy in physical units, of their uncertainty, and of the paper's 'Power'."""

from collections.abc import Sequence

from training.report.document import Table
from training.report.indices import READING_RATES, SummedKilowatts, joules_of_paper_power
from training.report.paper import PAPER, Paper
from training.report.quantities import Manner, Quantity
from training.report.rows import Row
from training.report.spread import Uncertainty
from training.report.tables import (
    NAME_HEADS,
    UNKNOWN,
    decimal_places,
    precision_name,
    quantity_table,
    row_name,
)

Q = Quantity
ENERGY_NOTE = (
    "Mean ± combined standard uncertainty (GUM): the spread over the runs, which averages out, and the meter's "
    "offset and gain, which are the same in all runs and do not. The next table shows the parts"
)
_BUDGET = (Q.WATTS_IDLE, Q.WATTS, Q.WATTS_ABOVE_IDLE, Q.JOULES_PER_TWEET, Q.JOULES_ABOVE_IDLE_PER_TWEET)


def table_of_energy(rows: Sequence[Row]) -> Table:
    """Show idle power, total power and power above idle, and the energy per tweet of both."""
    columns = (
        Q.WATTS_IDLE,
        Q.WATTS,
        Q.WATTS_ABOVE_IDLE,
        Q.JOULES_PER_TWEET,
        Q.JOULES_ABOVE_IDLE_PER_TWEET,
        Q.JOULES_PER_CORRECT,
    )
    return quantity_table("Power and energy, in physical units", rows, columns, notes=(ENERGY_NOTE,))


def table_of_uncertainty(rows: Sequence[Row]) -> Table | None:
    """Show the parts of the uncertainty of power and energy; None: none was measured."""
    body = [
        (*row_name(row), quantity.manner.axis, *_budget(found.mean, uncertainty, quantity.manner))
        for row in rows
        for quantity in _BUDGET
        if (found := row.values.get(quantity)) and (uncertainty := found.uncertainty)
    ]
    if not body:
        return None
    head = (
        *NAME_HEADS,
        "Quantity",
        "Mean",
        "Runs (type A)",
        "Meter: offset (type B)",
        "Meter: gain, supply, clock (type B)",
        "Combined",
        "95 % interval",
    )
    notes = (
        (
            "Standard uncertainties, in the unit of the quantity. Of a single run, type A is the meter's noise. The "
            "95 % interval is the combined uncertainty times a coverage factor by the Welch-Satterthwaite formula."
        ),
        f"{UNKNOWN} in the meter's columns: the source of power states no error.",
    )
    return Table("Uncertainty of power and energy", head, tuple(body), notes, columns_of_words=5)


def _budget(mean: float, uncertainty: Uncertainty, manner: Manner) -> tuple[str, ...]:
    places = decimal_places(mean * manner.scale, manner.digits)

    def written(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value * manner.scale:,.{places}f}"

    stated = uncertainty.meter_is_stated
    return (
        written(mean),
        written(uncertainty.runs),
        written(uncertainty.offset if stated else None),
        written(uncertainty.scale if stated else None),
        written(uncertainty.combined),
        f"± {written(uncertainty.expanded)}",
    )


def table_of_paper_power(paper: Paper) -> Table:
    """Show power and energy of the paper's rows for both numbers of readings per second."""
    boards = {board.device: board for board in paper.boards}
    body = []
    for row in paper.rows:
        board = boards.get(row.device)
        power = SummedKilowatts(row.paper_power.value)
        joules = [joules_of_paper_power(power, rate) for rate in READING_RATES]
        body.append(
            (
                row.device + PAPER,
                precision_name(row.precision),
                f"{row.power_per_second:.1f}",
                *(f"{each / row.seconds.value:.2f}" for each in joules),
                *(f"{row.paper_watts_per_sample.value / rate:.2f}" for rate in READING_RATES),
                f"{board.idle_watts:g}" if board else UNKNOWN,
                f"{board.busy_watts:g}" if board else UNKNOWN,
            )
        )
    rates = [f"{rate:.0f}/s" for rate in READING_RATES]
    head = (
        "Device",
        "Weights",
        "'Power' per second (W)",
        *(f"Power at {rate} (W)" for rate in rates),
        *(f"Energy per tweet at {rate} (J)" for rate in rates),
        "Known idle (W)",
        "Known, all cores busy (W)",
    )
    notes = (
        (
            "The paper sums power readings and does not print how many it took per second: 10 and 20 are "
            "assumptions. At 10, the boards would use more than others measured with all four cores busy, although "
            "one core of four works; at 20, the values lie between idle and that. Whether idle power is subtracted "
            "is not printed either. Known values: Pi Dramble project, 5 V supply."
        ),
    )
    return Table("The paper's 'Power' under both sampling rates", head, tuple(body), notes, columns_of_words=2)
