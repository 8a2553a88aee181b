"""Models in TensorFlow, as the paper ran BERT Large and MobileBERT on a workstation, for an experiment's plan.

[[models]]
name = "bert-large"
kind = "tensorflow"
path = "checkpoints/bert-large-{seed}"
max_tokens = 128

The path is the folder of a fine-tuned checkpoint in Hugging Face's format, with its `about.toml`. Each tweet is padded
to `max_tokens`. The paper prints no length; 128 tokens are assumed for it, because they fit its times.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import transformers
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer as WordPieces
from transformers.modeling_tf_pytorch_utils import load_pytorch_state_dict_in_tf2_model

from stream.experiment.plan import PlannedModel
from stream.experiment.results import Subject
from stream.experiment.subject import Inference
from stream.model.bundle import TOKENIZER_FILE, file_sha256
from stream.model.segments import token_types
from stream.model.tokenizer import Tokens
from stream.tweets.cleaning import cleaner
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet
from training.about import ABOUT_FILE, read_about
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE
from training.errors import CheckpointError
from training.graph_operations import count_graph_macs
from training.pairs import with_entities


class TensorFlowSubject:
    """A checkpoint, run by transformers' TensorFlow class.

    Args:
        model: Entry of the plan.
        path: Folder of the checkpoint.
        threads: Number of threads per operation.

    Raises:
        CheckpointError: The checkpoint cannot be used.
    """

    def __init__(self, model: PlannedModel, path: Path, threads: int) -> None:
        _use_threads(threads)
        self._path, self._length = path, model.max_tokens
        self._about = read_about(path / ABOUT_FILE)
        self._clean = cleaner(self._about.cleaning.name, self._about.cleaning.version)
        self._word_pieces = _tokenizer(path, model.max_tokens)
        self._model = load_classifier(path)
        self._labels = [_polarity(self._model.config.id2label[column]) for column in range(len(POLARITIES))]
        inputs = tf.TensorSpec([1, self._length], tf.int32)
        with _inlined_functions():  # so that all operations are in one graph, where they can be counted
            self._classify = tf.function(self._logits).get_concrete_function(inputs, inputs, inputs)
        self.infer(Tokens([1, 1], truncated=False))

    def describe(self) -> Subject:
        """Return name, origin and sizes."""
        weights = self._path / WEIGHTS_FILE
        return Subject(
            kind="tensorflow",
            name=self._about.name,
            base=self._about.base,
            precision="float32",
            sha256=file_sha256(weights),
            runtime=f"tensorflow {tf.__version__}, transformers {transformers.__version__}",
            file_bytes=weights.stat().st_size,
            weights_bytes=4 * int(self._model.count_params()),
            checkpoint_bytes=sum(file.stat().st_size for file in self._path.rglob("*") if file.is_file()),
            padding=f"to {self._length} tokens",
        )

    def tokens(self, tweet: Tweet) -> Tokens:
        """Clean and tokenise a tweet.

        Raises:
            RejectedTweetError: The text is empty after cleaning.
        """
        text = self._clean(tweet.text)
        if not text:
            raise RejectedTweetError(Reason.NOTHING_LEFT, "the text is empty after cleaning", tweet.id)
        encoding = self._word_pieces.encode(text)
        truncated = bool(encoding.overflowing)
        if not (self._about.entity and tweet.entity):
            return Tokens(encoding.ids, truncated)
        (ids,) = with_entities([encoding.ids], [tweet.entity], self._word_pieces, self._length)
        is_shortened = ids[: len(encoding.ids)] != encoding.ids
        return Tokens(ids, truncated or is_shortened, has_entity=ids != encoding.ids)

    def infer(self, tokens: Tokens) -> Inference:
        """Classify one tweet, padded to the full length."""
        input_ids = np.zeros((1, self._length), dtype=np.int32)
        input_ids[0, : len(tokens.ids)] = tokens.ids
        mask = np.zeros_like(input_ids)
        mask[0, : len(tokens.ids)] = 1
        types = token_types([tokens.ids], self._length) if self._about.entity else np.zeros_like(input_ids)
        logits = self._classify(tf.constant(input_ids), tf.constant(mask), tf.constant(types)).numpy()[0]
        return Inference(self._labels[int(logits.argmax())], self._length)

    def macs(self, padded_tokens: Iterable[int]) -> dict[int, int]:
        """Return the MACs for each length, which are equal because each tweet is padded to the full length."""
        return dict.fromkeys(padded_tokens, count_graph_macs(self._classify.graph))

    def _logits(self, input_ids: Any, mask: Any, types: Any) -> Any:  # noqa: ANN401  (TensorFlow has no type annotations)
        inputs = {"input_ids": input_ids, "attention_mask": mask}
        if self._about.entity:
            inputs["token_type_ids"] = types
        return self._model(**inputs, training=False).logits


def load_classifier(path: Path) -> Any:  # noqa: ANN401  (TensorFlow has no type annotations)
    """Load a checkpoint in PyTorch's layout into the TensorFlow class of its architecture, without PyTorch.

    Raises:
        CheckpointError: A file is missing or damaged, or weights are missing.
    """
    transformers.logging.set_verbosity_error()
    try:
        config = transformers.AutoConfig.from_pretrained(str(path), local_files_only=True)
        model = transformers.TFAutoModelForSequenceClassification.from_config(config)
        weights = load_file(path / WEIGHTS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"cannot load {path}: {str(error).splitlines()[0]}") from error
    single = {name: weight.astype(np.float32) for name, weight in weights.items()}
    model, loading = load_pytorch_state_dict_in_tf2_model(
        model, single, allow_missing_keys=True, output_loading_info=True
    )
    if loading["missing_keys"]:
        raise CheckpointError(f"{path / WEIGHTS_FILE} lacks {', '.join(loading['missing_keys'][:5])}")
    return model


@contextmanager
def _inlined_functions() -> Iterator[None]:
    """Inline calls of tf.function into the graphs that are traced within the context."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(run_eagerly=True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _use_threads(threads: int) -> None:
    """Limit the threads of TensorFlow, which must not have computed anything yet."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _tokenizer(path: Path, length: int) -> WordPieces:
    try:
        word_pieces = WordPieces.from_file(str(path / TOKENIZER_FILE))
    except Exception as error:  # tokenizers raises plain Exceptions
        raise CheckpointError(f"{path / TOKENIZER_FILE} cannot be read as a tokeniser: {error}") from error
    word_pieces.no_padding()
    word_pieces.encode_special_tokens = True  # as in the service
    word_pieces.enable_truncation(length)
    return word_pieces


def _polarity(name: str) -> Polarity:
    for polarity in POLARITIES:
        if polarity == name:
            return polarity
    raise CheckpointError(f"{CONFIG_FILE} has the class '{name}': set id2label to {', '.join(POLARITIES)}")
