"""Architectures that can be trained and used as teachers, by transformers' TensorFlow classes.

`starling convert` supports BERT and MobileBERT only; the others are used as larger teachers.
"""

from dataclasses import dataclass
from typing import Any

import transformers


@dataclass(frozen=True)
class Architecture:
    """Properties in which the architectures differ."""

    classifier: Any
    """Class with a classification head."""
    masked_words: Any
    """Class with a head for masked-language modelling."""
    head: tuple[str, ...] = ("classifier",)
    """Layers of the classification head; the last one has the labels as outputs."""
    first_position: int = 0
    """Row of the position table for the first token."""
    has_token_types: bool = False
    """True if an input may have two segments, `[CLS] first [SEP] second [SEP]`."""
    reads_pooler: bool = True
    """True if the classification head reads the pooler's output instead of the last layer's state of [CLS]."""


_TWO_LAYERS = ("classifier.dense", "classifier.out_proj")

ARCHITECTURES = {
    "bert": Architecture(
        transformers.TFBertForSequenceClassification, transformers.TFBertForMaskedLM, has_token_types=True
    ),
    "mobilebert": Architecture(
        transformers.TFMobileBertForSequenceClassification,
        transformers.TFMobileBertForMaskedLM,
        has_token_types=True,
    ),
    "mpnet": Architecture(
        transformers.TFMPNetForSequenceClassification,
        transformers.TFMPNetForMaskedLM,
        _TWO_LAYERS,
        first_position=2,
        reads_pooler=False,
    ),
    "roberta": Architecture(
        transformers.TFRobertaForSequenceClassification,
        transformers.TFRobertaForMaskedLM,
        _TWO_LAYERS,
        first_position=2,
        reads_pooler=False,
    ),
}
"""Architectures by `model_type` in `config.json`."""
