"""`starling convert`: converts a checkpoint to a bundle and checks the bundle against it."""

# ruff: noqa: PLC0415 - TensorFlow takes seconds to import; a progress message is shown before.

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from stream.model.bundle import MODEL_FILE, Precision
from training.about import ABOUT_FILE, read_about
from training.agreement import Agreement
from training.checkpoint import load_checkpoint
from training.data.tweets import Dataset
from training.duplicates import distinct


@dataclass(frozen=True)
class ConversionOptions:
    """Options of a conversion."""

    precision: Precision
    """Precision of the weights."""
    per_tensor: bool
    """At int8, one scale per matrix."""
    keep_saved_model: Path | None
    """Folder in which the intermediate SavedModel is kept; None: it is not kept."""


def convert_checkpoint(
    checkpoint: Path, about: Path | None, data: Dataset, out: Path, options: ConversionOptions
) -> None:
    """Convert a checkpoint; show progress on stderr, and the comparison with the bundle on stdout.

    Args:
        checkpoint: Folder of the checkpoint.
        about: Metadata file; None: `about.toml` in the folder of the checkpoint.
        data: Labelled tweets for the comparison.
        out: Folder of the bundle, which must not exist yet.
        options: Precision and intermediate files.

    Raises:
        StarlingError: An input cannot be used, or the bundle differs too much from its checkpoint.
    """
    with _steps() as on_step:
        on_step("reading the checkpoint")
        loaded, metadata = load_checkpoint(checkpoint), read_about(about or checkpoint / ABOUT_FILE)
        tweets = distinct(data.tweets, by_text=False)
        on_step("starting TensorFlow")
        from training.bundling import Conversion, make_bundle

        conversion = Conversion(loaded, metadata, options.precision, options.per_tensor, options.keep_saved_model)
        agreement = make_bundle(conversion, tweets, data.name, out, on_step)
    _show(agreement, out)


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Show each step and its duration on stderr."""
    columns = (SpinnerColumn(finished_text="·"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def finish() -> None:
            for task in progress.task_ids:
                progress.update(task, total=1, completed=1)

        def begin(step: str) -> None:
            finish()
            progress.add_task(step, total=None)

        yield begin
        finish()


def _show(agreement: Agreement, out: Path) -> None:
    megabytes = (out / MODEL_FILE).stat().st_size / 1e6
    table = Table("", "checkpoint", "bundle", title=f"{out}: {megabytes:.1f} MB")
    before, after = agreement.checkpoint_scores, agreement.bundle_scores
    table.add_row("macro-recall", f"{before.macro_recall:.2%}", f"{after.macro_recall:.2%}")
    table.add_row("macro-F1", f"{before.macro_f1:.2%}", f"{after.macro_f1:.2%}")
    table.add_row("accuracy", f"{before.accuracy:.2%}", f"{after.accuracy:.2%}")
    table.add_row("equal labels", "", f"{agreement.equal_labels:.2%}")
    table.add_row("difference of logits, mean", "", f"{agreement.differences.mean():.2g}")
    table.add_row("difference of logits, maximum", "", f"{agreement.differences.max():.2g}")
    Console().print(table)
