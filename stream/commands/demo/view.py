"""Views of the demo: nothing, plain lines, or a live table on a terminal."""

from collections import Counter, deque
from types import TracebackType
from typing import Any, Self

import psutil
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stream.commands.demo.entities import ENTITY_NAMES
from stream.commands.demo.tally import Tally
from stream.commands.watch import STYLES, one_line
from stream.power.words import energy_words
from stream.tweets.polarity import POLARITIES

_ROWS = 14
_FRAMES_PER_SECOND = 8
_BAR_CELLS = 24


class DemoView:
    """A view that shows nothing, and the base of all views; a context manager around the exchange of tweets."""

    energy_summary: dict[str, Any] | None = None
    """Last energy message of the service; None without a source of power readings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def listening(self, address: str) -> None:
        """Take the address of the metrics."""

    def ready(self, seconds: float) -> None:
        """Take the seconds from the start until the service was ready."""

    def label(self, label: dict[str, Any], seconds: float | None) -> None:
        """Show a label, and the seconds since its tweet was sent."""

    def rejection(self, rejection: dict[str, Any], seconds: float | None) -> None:
        """Show a rejection, and the seconds since its message was sent."""

    def energy(self, summary: dict[str, Any]) -> None:
        """Take the service's energy message."""
        self.energy_summary = summary

    def finish(self) -> None:
        """Show the summary; the service has stopped."""


class LineView(DemoView):
    """A view with one line per result, for pipes and logs."""

    def __init__(self, tally: Tally, texts: dict[str, str]) -> None:
        self._tally = tally
        self._texts = texts
        self._console = Console(highlight=False, soft_wrap=True)

    def listening(self, address: str) -> None:
        """Show the address of the metrics."""
        self._console.print(f"metrics at {address}/metrics while the demo runs")

    def ready(self, seconds: float) -> None:
        """Show the duration of the start."""
        self._console.print(f"service ready in {seconds:.2f} s")

    def label(self, label: dict[str, Any], seconds: float | None) -> None:
        """Show the label with its tweet's text."""
        text = self._texts.get(label["id"], "")
        self._show(_label_text(label), seconds, f"[{label['entity']}] {text}" if "entity" in label else text)

    def rejection(self, rejection: dict[str, Any], seconds: float | None) -> None:
        """Show the rejection with its reason."""
        self._show(
            Text("rejected     ", STYLES["rejected"]), seconds, f"({rejection['reason']}: {rejection['detail']})"
        )

    def finish(self) -> None:
        """Show the summary."""
        self._console.print(summary_table(self._tally, self.energy_summary))

    def _show(self, result: Text, seconds: float | None, text: str) -> None:
        self._console.print(result, Text(f"{_milliseconds(seconds):>9}"), Text(one_line(text)))


class LiveView(LineView):
    """A view with the last results, the counters and the shares of the polarities, drawn several times per second."""

    def __init__(self, tally: Tally, texts: dict[str, str]) -> None:
        super().__init__(tally, texts)
        self._rows: deque[tuple[Text, Text, Text]] = deque(maxlen=_ROWS)
        self._address = ""
        self._ready_seconds = 0.0
        # On a screen of its own, drawn from its first line: terminals disagree on the width of emojis, and a line that
        # wraps would displace everything that is drawn relative to the cursor.
        self._live = Live(
            console=self._console, get_renderable=self._draw, refresh_per_second=_FRAMES_PER_SECOND, screen=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the table; the summary follows."""
        self._live.stop()

    def listening(self, address: str) -> None:
        """Keep the address for the panel."""
        self._address = address

    def ready(self, seconds: float) -> None:
        """Keep the time for the panel."""
        self._ready_seconds = seconds

    def _show(self, result: Text, seconds: float | None, text: str) -> None:
        self._rows.append((result, Text(_milliseconds(seconds)), Text(one_line(text))))

    def _draw(self) -> Group:
        table = Table("polarity", "latency", "tweet", expand=True, box=None, header_style="bold")
        table.columns[1].justify = "right"
        table.columns[2].no_wrap = True
        table.columns[2].ratio = 1
        for row in self._rows:
            table.add_row(*row)
        return Group(Panel(table, title="Starling", height=_ROWS + 3), self._counters())

    def _counters(self) -> Panel:
        tally = self._tally
        latency = tally.latency_milliseconds()
        numbers = Text(
            f"published {tally.published}   labelled {tally.labelled_tweets}   "
            f"rejected {tally.reasons.total()}   in progress {tally.outstanding}   "
            f"{tally.tweets_per_second:.1f} tweets/s   p50 {_ms(latency['p50'])}   p99 {_ms(latency['p99'])}"
        )
        footer = Text(f"{self._address}/metrics   ready in {self._ready_seconds:.2f} s", style="dim")
        energy = Text(energy_words(self.energy_summary), "cyan") if self.energy_summary else Text()
        entities = [_entity_shares(tally, entity) for entity in ENTITY_NAMES]
        return Panel(Group(numbers, _shares("", tally.polarities), *entities, energy, footer))


def summary_table(tally: Tally, energy_summary: dict[str, Any] | None) -> Table:
    """Return the summary as a table."""
    summary = tally.summary()
    latency = summary["latency_ms"]
    table = Table(title="Summary", show_header=False, title_justify="left")
    table.add_row("published", str(summary["published"]))
    table.add_row("labelled", str(summary["labelled"]))
    table.add_row("labels", _counts(tally.polarities))
    for entity in ENTITY_NAMES:
        table.add_row(f"  {entity}", _counts(tally.entities[entity]))
    reasons = ", ".join(f"{count} {reason}" for reason, count in tally.reasons.most_common())
    table.add_row("rejected", f"{summary['rejected']}  ({reasons})")
    table.add_row("lost", Text(str(summary["lost"]), "bold red" if summary["lost"] else "bold green"))
    table.add_row("time", f"{summary['seconds']:.1f} s, {summary['tweets_per_second']:.1f} tweets/s")
    table.add_row("latency", ", ".join(f"{name} {_ms(value)}" for name, value in latency.items()))
    memory_bytes = psutil.Process().memory_info().rss
    table.add_row("memory", f"{memory_bytes / 1e6:.0f} MB, with the broker and the publisher")
    if energy_summary:
        table.add_row("energy", energy_words(energy_summary))
    return table


def _label_text(label: dict[str, Any]) -> Text:
    return Text(f"{label['polarity']:<8} {label['confidence']:4.2f}", STYLES[label["polarity"]])


def _counts(polarities: Counter[str]) -> str:
    shares = ", ".join(f"{polarities[polarity]} {polarity}" for polarity in POLARITIES)
    return f"{polarities.total()}  ({shares})"


def _entity_shares(tally: Tally, entity: str) -> Text:
    return _shares(f"{entity}  ", tally.entities[entity])


def _shares(heading: str, polarities: Counter[str]) -> Text:
    line = Text(heading)
    total = polarities.total() or 1
    for polarity in POLARITIES:
        share = polarities[polarity] / total
        line.append("█" * round(share * _BAR_CELLS), STYLES[polarity]).append(f" {polarity} {share:.0%}   ")
    return line


def _milliseconds(seconds: float | None) -> str:
    return "again" if seconds is None else _ms(1000 * seconds)


def _ms(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.1f} ms"
