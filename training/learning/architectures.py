"""The families of networks that can be trained and can teach, as transformers' TensorFlow classes have them.

What is trained for a Pi is a BERT or a MobileBERT, which `starling convert` writes out; the others are larger teachers.
"""

from dataclasses import dataclass
from typing import Any

import transformers


@dataclass(frozen=True)
class Architecture:
    """What a family's networks have of their own."""

    classifier: Any
    """The class with a head that tells polarities."""
    masked_words: Any
    """The class with a head that guesses words."""
    head: tuple[str, ...] = ("classifier",)
    """The layers of the first head, the one whose outputs are the labels last."""
    first_position: int = 0
    """The row of the position table that the first token takes."""
    reads_pooler: bool = True
    """Whether the first head reads the pooler's state of the first token, and not the last layer's."""


_TWO_LAYERS = ("classifier.dense", "classifier.out_proj")

ARCHITECTURES = {
    "bert": Architecture(transformers.TFBertForSequenceClassification, transformers.TFBertForMaskedLM),
    "mobilebert": Architecture(
        transformers.TFMobileBertForSequenceClassification, transformers.TFMobileBertForMaskedLM
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
"""By `model_type` in `config.json`."""
