"""`starling convert`: a checkpoint in, a bundle out that was checked against it."""

# ruff: noqa: PLC0415 - TensorFlow takes seconds to import, and the user should see that something happens.

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
    """How a checkpoint is converted."""

    precision: Precision
    """That of the weights."""
    per_tensor: bool
    """At int8, one scale for each matrix."""
    keep_saved_model: Path | None
    """A folder for the SavedModel on the way; None: it is not kept."""


def convert_checkpoint(checkpoint: Path, about: Path | None, data: Dataset, out: Path, way: ConversionOptions) -> None:
    """Convert a checkpoint, shows progress on stderr, and how the bundle compares on stdout.

    Args:
        checkpoint: The checkpoint's folder.
        about: Its `about.toml`; None: the one in its folder.
        data: Labelled tweets to check the bundle with.
        out: The bundle's folder, which must not exist yet.
        way: How it is to be done.

    Raises:
        StarlingError: Something of these cannot be used, or the bundle strays from its checkpoint.
    """
    with _steps() as on_step:
        on_step("reading the checkpoint")
        loaded, described = load_checkpoint(checkpoint), read_about(about or checkpoint / ABOUT_FILE)
        tweets = distinct(data.tweets, by_text=False)
        on_step("starting TensorFlow")
        from training.bundling import Conversion, make_bundle

        conversion = Conversion(loaded, described, way.precision, way.per_tensor, way.keep_saved_model)
        agreement = make_bundle(conversion, tweets, data.name, out, on_step)
    _show(agreement, out)


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Show on stderr what is being done and how long each step took."""
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
    table.add_row("labels that are the same", "", f"{agreement.equal_labels:.2%}")
    table.add_row("logits differ by, on average", "", f"{agreement.differences.mean():.2g}")
    table.add_row("logits differ by, at most", "", f"{agreement.differences.max():.2g}")
    Console().print(table)
