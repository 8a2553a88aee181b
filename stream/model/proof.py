"""The proof that a loaded model can label any tweet, before it serves.

A bundle whose hashes are right can still fail: its tokenizer can have more ids than the model has rows, or the graph
can fail at some lengths. In service such a model would end the process at the first tweet that shows it.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, PADDING_ID, TOKENIZER_FILE, Bundle
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer

_TEXTS = ("", "a", "\U0001f426 ☃ \u0e01 zqxj", "word " * 1024)
"""Texts without tokens, with one, with unknown characters, and with more tokens than any model reads; also entities."""


def prove(bundle: Bundle, tokenizer: Tokenizer, classifiers: Sequence[Classifier]) -> None:
    """Tokenise texts, and run an inference with the largest id at each length, shared among the interpreters.

    Each interpreter runs the largest inference last, so that it has packed its weights and has all its memory.

    Raises:
        BundleError: A text cannot be tokenised, or an inference fails or gives logits that are not finite.
    """
    largest = _largest_id(bundle, tokenizer)
    shares = [bundle.manifest.length_buckets[first :: len(classifiers)] for first in range(len(classifiers))]
    with ThreadPoolExecutor(len(classifiers), thread_name_prefix="proof") as threads:
        for _ in threads.map(partial(_prove_lengths, bundle, largest), classifiers, shares):
            pass


def _prove_lengths(bundle: Bundle, largest: int, classifier: Classifier, lengths: Sequence[int]) -> None:
    shortest, longest = bundle.manifest.length_buckets[0], bundle.manifest.length_buckets[-1]
    if (fault := _fault(bundle, classifier, [[PADDING_ID + 1] * shortest] * 2)) is not None:
        raise _unusable(bundle, f"an inference with two tweets {fault}")
    for length in lengths if longest in lengths else (*lengths, longest):
        row = _row(bundle, length, largest)
        if (fault := _fault(bundle, classifier, [row])) is None:
            continue
        if _fault(bundle, classifier, [[PADDING_ID + 1] * length]) is None:
            raise _unusable(bundle, f"an inference with {largest}, the largest id of {TOKENIZER_FILE}, {fault}")
        raise _unusable(bundle, f"an inference with {length} tokens {fault}")


def _row(bundle: Bundle, length: int, largest: int) -> list[int]:
    """Return a row with the largest id; if the model reads an entity, half of the tokens are of the second segment."""
    row = [PADDING_ID + 1] * (length - 1) + [largest]
    if bundle.manifest.inputs.entity:
        row[length // 2] = largest
    return row


def _largest_id(bundle: Bundle, tokenizer: Tokenizer) -> int:
    """Return the largest id of the tokenizer's vocabulary, or one that it adds to each text."""
    try:
        encoded = [tokenizer.encode(text, entity).ids for text in _TEXTS for entity in (None, *_TEXTS)]
    except Exception as error:  # the Rust side raises bare Exceptions
        raise BundleError(f"{bundle.path / TOKENIZER_FILE} cannot tokenise a text: {_one_line(error)}") from error
    longest = max(map(len, encoded))
    if longest > bundle.manifest.max_tokens:
        raise BundleError(
            f"{bundle.path / TOKENIZER_FILE} makes {longest} tokens of a text, and max_tokens is "
            f"{bundle.manifest.max_tokens}"
        )
    return max(tokenizer.largest_id, *(max(ids, default=0) for ids in encoded))


def _fault(bundle: Bundle, classifier: Classifier, batch: Sequence[Sequence[int]]) -> str | None:
    """Run an inference, and return what is wrong with it."""
    try:
        logits = classifier.logits(batch)
    except (RuntimeError, ValueError, OverflowError) as error:  # those of LiteRT and numpy
        return f"fails ({_one_line(error)})"
    if logits.shape != (len(batch), len(bundle.manifest.labels)) or not np.isfinite(logits).all():
        return "does not give a finite number for each label"
    return None


def _unusable(bundle: Bundle, reason: str) -> BundleError:
    return BundleError(f"{bundle.path / MODEL_FILE} cannot be used: {reason}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
