"""The proof that a loaded model can label any tweet, before it serves.

A bundle whose hashes are right can still fail: its tokenizer can have more ids than the model has rows, or the graph
can fail at some lengths. In service such a model would end the process at the first tweet that shows it.
"""

from collections.abc import Sequence

import numpy as np

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, PADDING_ID, TOKENIZER_FILE, Bundle
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer

_TEXTS = ("", "a", "\U0001f426 ☃ \u0e01 zqxj", "word " * 1024)
"""Texts without tokens, with one, with unknown characters, and with more tokens than any model reads."""


def prove(bundle: Bundle, tokenizer: Tokenizer, classifier: Classifier) -> None:
    """Tokenise texts, and run an inference at each length and with the largest id.

    The last inference is the largest possible one, so that the interpreter has all its memory afterwards.

    Raises:
        BundleError: A text cannot be tokenised, or an inference fails or gives logits that are not finite.
    """
    texts = _encoded(bundle, tokenizer)
    buckets, largest = bundle.manifest.length_buckets, tokenizer.largest_id
    for bucket in buckets:
        _infer(bundle, classifier, [[PADDING_ID + 1] * bucket], f"with {bucket} tokens")
    _infer(bundle, classifier, [[PADDING_ID + 1] * buckets[0]] * 2, "with two tweets")
    for ids in texts:
        _infer(bundle, classifier, [ids], f"for the {len(ids)} tokens of a text from {TOKENIZER_FILE}")
    _infer(bundle, classifier, [[largest] * buckets[-1]], f"with {largest}, the largest id in {TOKENIZER_FILE}")


def _encoded(bundle: Bundle, tokenizer: Tokenizer) -> list[list[int]]:
    try:
        encoded = [tokenizer.encode(text).ids for text in _TEXTS]
    except Exception as error:  # the Rust side raises bare Exceptions
        raise BundleError(f"{bundle.path / TOKENIZER_FILE} cannot tokenise a text: {_one_line(error)}") from error
    longest = max(map(len, encoded))
    if longest > bundle.manifest.max_tokens:
        raise BundleError(
            f"{bundle.path / TOKENIZER_FILE} makes {longest} tokens of a text, and max_tokens is "
            f"{bundle.manifest.max_tokens}"
        )
    return encoded


def _infer(bundle: Bundle, classifier: Classifier, batch: Sequence[Sequence[int]], which: str) -> None:
    try:
        logits = classifier.logits(batch)
    except (RuntimeError, ValueError, OverflowError) as error:  # those of LiteRT and numpy
        raise BundleError(
            f"{bundle.path / MODEL_FILE} cannot be used: an inference {which} fails ({_one_line(error)})"
        ) from error
    if logits.shape != (len(batch), len(bundle.manifest.labels)) or not np.isfinite(logits).all():
        raise BundleError(
            f"{bundle.path / MODEL_FILE} cannot be used: an inference {which} does not give a finite number for each "
            "label"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
