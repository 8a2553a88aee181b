"""`starling train`: trains checkpoints from a recipe and labelled tweets."""

# ruff: noqa: PLC0415 - TensorFlow takes seconds to import; a progress message is shown before.

import json
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from training.learning.console_monitor import console_monitor
from training.learning.files import write_text
from training.learning.run import Run
from training.learning.run_data import read_run_data

_MEASURES = {"macro_recall": "macro-recall", "macro_f1": "macro-F1", "accuracy": "accuracy"}


def train_recipe(run: Run) -> None:
    """Train all seeds of a run; show progress on stderr, and the scores on the dev set on stdout.

    Raises:
        StarlingError: An input cannot be used, a file cannot be written, or the run was interrupted.
    """
    run.check()
    with console_monitor() as monitor:
        monitor.on_step("reading the tweets")
        data = read_run_data(run.files, run.recipe.distil, entity=run.recipe.entity)
        if data.distilled:
            monitor.on_step(data.distilled.description())
        run.open_folder(data)
        monitor.on_step("starting TensorFlow")
        from training.learning.seed import SeedRun
        from training.learning.seed_average import average_seeds

        for seed in run.seeds:
            monitor.title = f"seed {seed}"
            SeedRun(run, data, seed, monitor).train()
        averaged = average_seeds(run, data) if len(run.seeds) > 1 else None
    scores = [json.loads((run.seed_folder(seed) / "scores.json").read_text(encoding="utf-8")) for seed in run.seeds]
    write_text(run.out / "scores.json", json.dumps(_summary(run.seeds, scores), indent=2) + "\n")
    _show(run, scores, averaged)


def _summary(seeds: Sequence[int], scores: Sequence[dict[str, float]]) -> dict[str, object]:
    """Return the mean and the sample standard deviation over the seeds."""
    summary: dict[str, object] = {"seeds": list(seeds)}
    for measure in _MEASURES:
        values = [score[measure] for score in scores]
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        summary[measure] = {"mean": float(np.mean(values)), "sd": deviation, "by_seed": values}
    return summary


def _show(run: Run, scores: Sequence[dict[str, float]], averaged: dict[str, float] | None) -> None:
    table = Table("seed", *_MEASURES.values(), "checkpoint", title=f"{run.recipe.name} on {run.files.dev.name}")
    for seed, score in zip(run.seeds, scores, strict=True):
        checkpoint = run.seed_folder(seed) / "checkpoint"
        table.add_row(str(seed), *(f"{score[measure]:.2%}" for measure in _MEASURES), str(checkpoint))
    if len(scores) > 1:
        columns = [np.array([score[measure] for score in scores]) for measure in _MEASURES]
        spread = [f"{column.mean():.2%} ± {100 * column.std(ddof=1):.2f}" for column in columns]
        table.add_row("mean ± sd", *spread, "")
    if averaged:
        values = [f"{averaged[measure]:.2%}" for measure in _MEASURES]
        table.add_row("averaged", *values, str(run.out / "averaged" / "checkpoint"))
    Console().print(table)
