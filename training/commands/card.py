"""`starling card`: writes a bundle's model card."""

from collections.abc import Sequence
from pathlib import Path

import typer

from stream.errors import InputError
from stream.model.bundle import MODEL_FILE
from training.commands.evaluate import evaluate_bundle, read_evaluation_tweets
from training.datasets import ReadOptions
from training.evaluation.card import model_card

CARD_FILE = "README.md"


def write_card(bundle: Path, data: Sequence[Path], read_options: ReadOptions, out: Path | None) -> None:
    """Evaluate a bundle and write its model card.

    Args:
        bundle: Folder of the bundle.
        data: Labelled tweets that the model was not trained on.
        read_options: Format and columns of the data.
        out: File of the card; None: README.md in the bundle.

    Raises:
        StarlingError: The data or the bundle cannot be used, or the card cannot be written.
    """
    path = out or bundle / CARD_FILE
    evaluation = evaluate_bundle(bundle, read_evaluation_tweets(data, read_options), seed=0, name=bundle.resolve().name)
    megabytes = (bundle / MODEL_FILE).stat().st_size / 1e6
    card = model_card(evaluation, ", ".join(file.name for file in data), megabytes)
    try:
        path.write_text(card, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    typer.echo(f"wrote {path}")
