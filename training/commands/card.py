"""`starling card`: writes a bundle's model card."""

from collections.abc import Sequence
from pathlib import Path

import typer

from stream.errors import InputError
from stream.model.bundle import MODEL_FILE
from training.commands.evaluate import check_bundle, evaluate_bundle, read_evaluation_tweets, reads_entities
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
    name, tweets = bundle.resolve().name, read_evaluation_tweets(data, read_options)
    evaluation = evaluate_bundle(bundle, tweets, seed=0, name=name)
    without_entity = None
    if reads_entities(evaluation):
        without_entity = evaluate_bundle(bundle, tweets, seed=0, name=name, with_entity=False)
    megabytes = (bundle / MODEL_FILE).stat().st_size / 1e6
    checked = check_bundle(bundle, bundle.resolve().name)
    card = model_card(evaluation, ", ".join(file.name for file in data), megabytes, checked, without_entity)
    try:
        path.write_text(card, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    typer.echo(f"wrote {path}")
