"""Soft labels: outputs of the teachers, computed once for a run and stored in its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from stream.tweets.polarity import POLARITIES
from training.about import ABOUT_FILE, read_about
from training.checkpoint import Array
from training.errors import CheckpointError, InterruptedRunError, TrainingError
from training.learning.arithmetic import matmul_arithmetic
from training.learning.batches import padded
from training.learning.examples import TweetTokenizer, read_tokenizer
from training.learning.files import write_arrays
from training.learning.monitor import Monitor
from training.learning.network import Network, Tensor, has_polarity_head, read_pretrained
from training.learning.recipe import Distil
from training.length_batching import logits_by_length

SOFT_LABELS_FILE = "soft-labels.safetensors"


@dataclass(frozen=True)
class SoftLabels:
    """Outputs of the teachers for each tweet."""

    probabilities: Array
    """Mean probabilities at the distillation temperature, shape (tweets, labels), in the order of POLARITIES."""
    states: Array
    """Last [CLS] states of the first teacher, shape (tweets, hidden)."""

    without_entity: Array | None = None
    """Probabilities for the tweets without their entities, same shape; None: as with them."""

    def rows(self, indices: NDArray[np.int64], without_entity: NDArray[np.bool_]) -> Array:
        """Return the probabilities of tweets, some of them without their entity."""
        if self.without_entity is None:
            return self.probabilities[indices]
        bare = without_entity[:, np.newaxis]
        return np.where(bare, self.without_entity[indices], self.probabilities[indices])

    @classmethod
    def without_states(cls, probabilities: Array, without_entity: Array | None = None) -> Self:
        """Return soft labels without states, for distillation with a `state_weight` of 0."""
        return cls(probabilities, np.zeros((len(probabilities), 0), np.float16), without_entity)


def soft_labels(
    teachers: Sequence[Path], texts: Sequence[str], settings: Distil, folder: Path, monitor: Monitor
) -> SoftLabels:
    """Return the teachers' outputs, from the folder if it has them.

    Args:
        teachers: Folders of checkpoints with their `about.toml`; each uses its own cleaning and tokeniser.
        texts: Texts of the tweets before cleaning.
        settings: Settings of the stage; its prior is added to the teachers' logits, they are divided by its
            temperature, and the teachers' probabilities are averaged.
        folder: Folder of the run.
        monitor: Receives the progress.

    Raises:
        InterruptedRunError: The monitor requested a stop; nothing is stored.
        StarlingError: A teacher cannot be used, or the outputs cannot be stored.
    """
    path = folder / SOFT_LABELS_FILE
    if not path.exists():
        answers = []
        for number, teacher in enumerate(teachers, start=1):
            monitor.begin_part(f"teacher {number} of {len(teachers)}", len(texts), 0)
            answers.append(_teacher_outputs(teacher, texts, settings, monitor))
        probabilities = np.mean([answer.probabilities for answer in answers], axis=0)
        # Half precision: the rounding error is far smaller than the differences between teachers.
        arrays = {"probabilities": probabilities, "states": answers[0].states.astype(np.float16)}
        write_arrays(path, arrays, {})
    try:
        kept = load_file(path)
        return SoftLabels(kept["probabilities"], kept["states"])
    except (OSError, SafetensorError, KeyError) as error:
        raise TrainingError(f"cannot read {path}: {error}; remove it to compute it again") from error


def _teacher_outputs(folder: Path, texts: Sequence[str], settings: Distil, monitor: Monitor) -> SoftLabels:
    config, weights = read_pretrained(folder)
    if not has_polarity_head(config, weights):
        raise CheckpointError(f"{folder} cannot be a teacher: it has no head for polarities")
    about = read_about(folder / ABOUT_FILE)
    network = Network(config, weights, "classifier", str(folder))
    word_pieces = read_tokenizer(folder, about.max_tokens, config)
    token_ids = TweetTokenizer(word_pieces, about.cleaning).token_ids(texts)

    columns = [config.label2id[polarity] for polarity in POLARITIES]
    prior = np.zeros(len(POLARITIES), np.float32)
    prior[columns] = settings.prior

    def outputs_of(input_ids: Tensor) -> Tensor:
        outputs = network.outputs(input_ids, states=True)
        probabilities = tf.nn.softmax((outputs.logits + prior) / settings.temperature)
        return tf.concat([probabilities, outputs.hidden_states[-1][:, 0]], axis=1)

    graph = tf.function(outputs_of, input_signature=[tf.TensorSpec([None, None], tf.int32)])

    def classify(batch: Sequence[Sequence[int]]) -> Array:
        if monitor.interrupted:
            raise InterruptedRunError("interrupted while computing soft labels: the same command computes them again")
        results: Array = np.asarray(graph(padded(batch, network.padding_id)))
        monitor.tweets_done(len(batch))
        return results

    with matmul_arithmetic(settings.arithmetic):
        answers = logits_by_length(classify, token_ids)
    return SoftLabels(answers[:, columns], answers[:, len(POLARITIES) :])
