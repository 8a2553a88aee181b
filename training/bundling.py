"""Conversion of a checkpoint to a model bundle, which is written only after it passed the comparison with it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tokenizers import Tokenizer as WordPieces

from stream.files import replacing
from stream.model.bundle import (
    MANIFEST_FILE,
    MODEL_FILE,
    PADDING_ID,
    TOKENIZER_FILE,
    Inputs,
    Manifest,
    Precision,
    file_sha256,
    load_bundle,
)
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer
from stream.tweets.cleaning import cleaner
from training.about import About
from training.agreement import Agreement, bounds, check_agreement, compare
from training.checkpoint import Checkpoint
from training.convert import tflite_model
from training.data.tweets import LabelledTweet
from training.errors import CheckpointError, ConversionError
from training.length_batching import logits_by_length
from training.reference import Reference

_SPECIAL_SCORE = -1000.0
"""Logarithm of the probability of a special piece; that of a character is above -20."""
LENGTH_STEP_TOKENS = 4
"""Distance between length buckets. 4 had the lowest cost per tweet, idle and under load: less padding than 8, and
fuller batches than 1 or 2."""


@dataclass(frozen=True)
class Conversion:
    """A checkpoint and the options of its conversion."""

    checkpoint: Checkpoint
    about: About
    precision: Precision
    per_tensor: bool = False
    saved_model: Path | None = None
    """Folder in which the intermediate SavedModel is kept; None: it is not kept."""


def make_bundle(
    conversion: Conversion, tweets: Sequence[LabelledTweet], data: str, out: Path, on_step: Callable[[str], None]
) -> Agreement:
    """Convert a checkpoint to a bundle and check the bundle against it.

    Args:
        conversion: Checkpoint and options.
        tweets: Labelled tweets that the model was not trained on, for the check.
        data: Name of these tweets in the manifest.
        out: Folder of the bundle, which must not exist yet. It is written completely or not at all.
        on_step: Called with a description of each step.

    Raises:
        CheckpointError: The tokeniser does not belong to the model.
        ConversionError: The bundle cannot be converted or written.
        DisagreementError: The converted model differs too much from its checkpoint.
    """
    if conversion.per_tensor and conversion.precision != "int8":
        raise ConversionError(f"--per-tensor applies to int8 only, not to {conversion.precision}")
    if out.exists():
        raise ConversionError(f"{out} exists already: remove it, or give another folder with --out")
    if not out.parent.is_dir():
        raise ConversionError(f"cannot write {out}: the folder {out.parent} does not exist")
    try:
        with replacing(out) as folder:
            folder.mkdir()
            agreement = _fill(folder, conversion, tweets, data, on_step)
    except OSError as error:
        raise ConversionError(f"cannot write {out}: {error.strerror or error}") from error
    return agreement


def length_buckets(max_tokens: int) -> list[int]:
    """Return the lengths, in tokens, to which batches are padded."""
    return [*range(LENGTH_STEP_TOKENS, max_tokens, LENGTH_STEP_TOKENS), max_tokens]


def _fill(
    folder: Path,
    conversion: Conversion,
    tweets: Sequence[LabelledTweet],
    data: str,
    on_step: Callable[[str], None],
) -> Agreement:
    on_step(f"converting to {conversion.precision}")
    write_tokenizer(conversion.checkpoint, folder)
    model = tflite_model(
        conversion.checkpoint,
        conversion.about.max_tokens,
        conversion.precision,
        entity=conversion.about.entity,
        per_tensor=conversion.per_tensor,
        keep_at=conversion.saved_model,
    )
    (folder / MODEL_FILE).write_bytes(model)
    _write_manifest(folder, conversion)
    reference = Reference(conversion.checkpoint, entity=conversion.about.entity)
    agreement = _agreement(folder, reference, tweets, on_step)
    model_type = conversion.checkpoint.config.model_type
    check_agreement(agreement, bounds(conversion.precision, model_type, per_tensor=conversion.per_tensor))
    _write_manifest(
        folder,
        conversion,
        scores={"data": data, **agreement.bundle_scores.as_json()},
        agreement={"with": reference.name, "data": data, **agreement.as_json()},
    )
    return agreement


def _agreement(
    folder: Path, reference: Reference, tweets: Sequence[LabelledTweet], on_step: Callable[[str], None]
) -> Agreement:
    bundle = load_bundle(folder)
    cleaning = bundle.manifest.cleaning
    clean = cleaner(cleaning.name, cleaning.version)
    texts, entities = [clean(tweet.text) for tweet in tweets], [tweet.entity for tweet in tweets]
    token_ids = [tokens.ids for tokens in Tokenizer(bundle).encode_all(texts, entities)]
    on_step(f"labelling {len(tweets)} tweets with the converted model")
    bundle_logits = logits_by_length(Classifier(bundle).logits, token_ids)
    on_step(f"labelling {len(tweets)} tweets with the checkpoint")
    checkpoint_logits = logits_by_length(reference.logits, token_ids)
    return compare(checkpoint_logits, bundle_logits, bundle.manifest.labels, [tweet.polarity for tweet in tweets])


def write_tokenizer(checkpoint: Checkpoint, folder: Path) -> None:
    """Write the tokeniser without the base model's truncation and padding, which the manifest sets."""
    try:
        tokenizer = WordPieces.from_file(str(checkpoint.tokenizer_path))
    except Exception as error:  # tokenizers raises plain Exceptions
        raise CheckpointError(f"{checkpoint.tokenizer_path} cannot be read as a tokeniser: {error}") from error
    entries, rows = tokenizer.get_vocab_size(), checkpoint.config.vocab_size
    if entries > rows or tokenizer.token_to_id("[PAD]") != PADDING_ID:
        raise CheckpointError(
            f"{checkpoint.tokenizer_path} does not belong to this model: it has {entries} entries for {rows} "
            f"embeddings, and its [PAD] is {tokenizer.token_to_id('[PAD]')} instead of {PADDING_ID}"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    path = folder / TOKENIZER_FILE
    tokenizer.save(str(path), pretty=False)
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["model"].get("type") == "Unigram":
        _hide_special_pieces(content)
        path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _hide_special_pieces(tokenizer: dict[str, Any]) -> None:
    """Make the special pieces of a unigram vocabulary so improbable that their names in a text are split like words."""
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    for entry in tokenizer["model"]["vocab"]:
        if entry[0] in special:
            entry[1] = _SPECIAL_SCORE


def _write_manifest(folder: Path, conversion: Conversion, **results: dict[str, Any]) -> None:
    """Write `model.json`; `results` are the scores and the agreement, once they are known."""
    checkpoint, about = conversion.checkpoint, conversion.about
    scales = {"scales": "per tensor" if conversion.per_tensor else "per channel"}
    manifest = Manifest(
        schema=1,
        name=about.name,
        base=about.base,
        precision=conversion.precision,
        labels=checkpoint.labels,
        inputs=Inputs(entity=about.entity),
        languages=about.languages,
        cleaning=about.cleaning,
        max_tokens=about.max_tokens,
        length_buckets=length_buckets(about.max_tokens),
        files={name: file_sha256(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
        licence=about.licence,
        source={
            "checkpoint": checkpoint.path.resolve().name,
            "checkpoint_sha256": file_sha256(checkpoint.weights_path),
            "converter": f"tensorflow {tf.__version__}",
            **(scales if conversion.precision == "int8" else {}),
            **about.source,
        },
        training=about.training,
        **results,
    )
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
