"""What teachers say of tweets: worked out once for a run, and kept in its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
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
    """What the teachers make of each tweet."""

    probabilities: Array
    """Their mean, softened by the temperature; shape (tweets, labels), columns in the order of POLARITIES."""
    states: Array
    """The first teacher's last state of [CLS], shape (tweets, hidden)."""


def soft_labels(
    teachers: Sequence[Path], texts: Sequence[str], settings: Distil, folder: Path, monitor: Monitor
) -> SoftLabels:
    """Ask the teachers, unless the folder has their answers.

    Args:
        teachers: Folders of checkpoints with their `about.toml`; each reads the texts in its own way.
        texts: The tweets, uncleaned.
        settings: The stage's, with the temperature by which the teachers' logits are divided before they are averaged
            as probabilities.
        folder: The run's.
        monitor: Told of each batch.

    Raises:
        InterruptedRunError: The monitor asked for it; the teachers are then to be asked again.
        StarlingError: A teacher cannot be used, or the answers cannot be kept.
    """
    path = folder / SOFT_LABELS_FILE
    if not path.exists():
        answers = []
        for number, teacher in enumerate(teachers, start=1):
            monitor.begin_part(f"teacher {number} of {len(teachers)}", len(texts), 0)
            answers.append(_teacher_outputs(teacher, texts, settings, monitor))
        probabilities = np.mean([answer.probabilities for answer in answers], axis=0)
        # Half precision: what is lost is far less than teachers differ by.
        arrays = {"probabilities": probabilities, "states": answers[0].states.astype(np.float16)}
        write_arrays(path, arrays, {})
    try:
        kept = load_file(path)
        return SoftLabels(kept["probabilities"], kept["states"])
    except (OSError, SafetensorError, KeyError) as error:
        raise TrainingError(f"cannot read {path}: {error}; remove it to ask the teachers again") from error


def _teacher_outputs(folder: Path, texts: Sequence[str], settings: Distil, monitor: Monitor) -> SoftLabels:
    config, weights = read_pretrained(folder)
    if not has_polarity_head(config, weights):
        raise CheckpointError(f"{folder} cannot teach: it was not fine-tuned to tell polarities")
    about = read_about(folder / ABOUT_FILE)
    network = Network(config, weights, "classifier", str(folder))
    word_pieces = read_tokenizer(folder, about.max_tokens, config)
    token_ids = TweetTokenizer(word_pieces, about.cleaning).token_ids(texts)

    def answer(input_ids: Tensor) -> Tensor:
        outputs = network.outputs(input_ids, states=True)
        probabilities = tf.nn.softmax(outputs.logits / settings.temperature)
        return tf.concat([probabilities, outputs.hidden_states[-1][:, 0]], axis=1)

    graph = tf.function(answer, input_signature=[tf.TensorSpec([None, None], tf.int32)])

    def classify(batch: Sequence[Sequence[int]]) -> Array:
        if monitor.interrupted:
            raise InterruptedRunError("interrupted while a teacher was asked: the same command asks it again")
        answers: Array = np.asarray(graph(padded(batch, network.padding_id)))
        monitor.tweets_done(len(batch))
        return answers

    with matmul_arithmetic(settings.arithmetic):
        answers = logits_by_length(classify, token_ids)
    columns = [config.label2id[polarity] for polarity in POLARITIES]
    return SoftLabels(answers[:, columns], answers[:, len(POLARITIES) :])
