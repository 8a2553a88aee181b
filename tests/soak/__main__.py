"""`make soak`: an hour at 80 % of a node's saturation throughput, and a table of lost tweets and growth."""

import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.soak.plot import plot
from tests.soak.samples import NodeEndedError, Sample, written_to
from tests.soak.soak import LoadFailedError, Soak, SoakPlan, run_soak
from tests.soak.summary import summary
from tests.soak.tweets import NoTweetsError, texts
from tests.soak.verdicts import Verdict, findings
from tests.tables import markdown_table

_EVERY_SECONDS = 60


def main(
    seconds: Annotated[float, typer.Option(envvar="SOAK_SECONDS", min=5, help="Duration of the steady load.")] = 3600,
    load: Annotated[
        float, typer.Option(envvar="SOAK_LOAD", min=0.01, max=1, help="Load as a ratio of the saturation throughput.")
    ] = 0.8,
    interpreters: Annotated[
        int | None, typer.Option(min=1, help="Interpreters of the node; default: one per core.")
    ] = None,
    tweets: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON lines to send instead of the samples.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder for the samples and the plot.")] = Path("build/soak"),
) -> None:
    """Run a soak test, print its results, and exit with 1 if a promise was broken."""
    try:
        texts(tweets)
    except NoTweetsError as error:
        raise typer.BadParameter(str(error), param_hint="--tweets") from error
    plan = SoakPlan(seconds, load, interpreters, tweets)
    folder.mkdir(parents=True, exist_ok=True)
    soak = _soak(plan, folder)
    plot(soak.samples, folder / "soak.png")
    found = findings(soak)
    typer.echo(markdown_table(("soak", ""), summary(plan, soak)))
    typer.echo()
    rows = [(finding.promise, finding.measured, finding.verdict) for finding in found]
    typer.echo(markdown_table(("promise", "measured", "verdict"), rows))
    typer.echo(f"\nsamples, plot and the node's log: {folder}", err=True)
    sys.exit(any(finding.verdict is Verdict.BROKEN for finding in found))


def _soak(plan: SoakPlan, folder: Path) -> Soak:
    with tempfile.TemporaryDirectory(prefix="starling-soak-") as place, written_to(folder / "samples.csv") as write:

        def see(sample: Sample) -> None:
            write(sample)
            _say(sample)

        try:
            return asyncio.run(run_soak(plan, Path(place), see))
        except* (NodeEndedError, LoadFailedError) as group:
            sys.exit(f"{group.exceptions[0]}; see {folder}/node.log")
        finally:
            shutil.copy(Path(place) / "node.log", folder / "node.log")


def _say(sample: Sample) -> None:
    """Show the progress."""
    if int(sample.at_seconds) % _EVERY_SECONDS == 0:
        done = sample.labelled + sample.rejected
        typer.echo(
            f"{sample.phase} {sample.at_seconds:.0f} s: {done:,} tweets done, {sample.waiting} wait, "
            f"{sample.rss_bytes / 1e6:.0f} MB",
            err=True,
        )


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    typer.run(main)
