"""Initial model of a stage: the weights of a checkpoint, and its tokeniser."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES
from training.checkpoint import Array
from training.data.tweets import LabelledTweet
from training.errors import CheckpointError
from training.learning.architectures import ARCHITECTURES
from training.learning.examples import UNKNOWN, Examples, TweetTokenizer, read_tokenizer
from training.learning.network import Head, Network, has_polarity_head, read_pretrained
from training.learning.recipe import Recipe, Student
from training.learning.student import make_student


@dataclass(frozen=True)
class InitialModel:
    """Configuration, weights and tokeniser with which a stage starts."""

    folder: Path
    config: Any
    weights: dict[str, Array]
    tokenizer: TweetTokenizer
    entity: bool = False
    """True if the entity of a tweet is the second segment."""

    @classmethod
    def read(cls, folder: Path, recipe: Recipe, student: Student | None) -> Self:
        """Read a checkpoint for training by a recipe, or a student made from it.

        Raises:
            CheckpointError: The checkpoint cannot be used.
            RecipeError: It lacks the layers or neurons of the student.
        """
        config, weights = read_pretrained(folder)
        if recipe.entity and not ARCHITECTURES[config.model_type].has_token_types:
            raise CheckpointError(f"{folder} is a {config.model_type}, which cannot read entities: use a BERT")
        if student:
            config, weights = make_student(config, weights, student)
        word_pieces = read_tokenizer(folder, recipe.max_tokens, config)
        initial = cls(folder, config, weights, TweetTokenizer(word_pieces, recipe.cleaning), recipe.entity)
        if recipe.head_seed is None or has_polarity_head(config, weights):
            return initial
        return initial.with_head(recipe.head_seed)

    def with_head(self, seed: int) -> Self:
        """Return the model with a classification head that is initialised from a seed, as in BERT."""
        generator = np.random.default_rng(seed)
        head: dict[str, Array] = {}
        layers = ARCHITECTURES[self.config.model_type].head
        for layer in layers:
            outputs = len(POLARITIES) if layer == layers[-1] else self.config.hidden_size
            weight = generator.normal(0.0, self.config.initializer_range, (outputs, self.config.hidden_size))
            head |= {f"{layer}.weight": weight.astype(np.float32), f"{layer}.bias": np.zeros(outputs, np.float32)}
        return replace(self, weights=self.weights | head)

    def network(self, head: Head) -> Network:
        """Make a trainable network."""
        separator = self.tokenizer.word_pieces.token_to_id("[SEP]") if self.entity else None
        return Network(self.config, self.weights, head, str(self.folder), separator)

    def examples(
        self,
        labelled: Sequence[LabelledTweet],
        unlabelled: Sequence[str] = (),
        copies: tuple[int, ...] | None = None,
    ) -> Examples:
        """Tokenise tweets, labelled ones first.

        Args:
            labelled: Labelled tweets.
            unlabelled: Texts of further tweets.
            copies: Number of times that each of them occurs in an epoch; None: once.
        """
        gold = [POLARITIES.index(tweet.polarity) for tweet in labelled] + [UNKNOWN] * len(unlabelled)
        texts = [*(tweet.text for tweet in labelled), *unlabelled]
        token_ids = self.tokenizer.token_ids(texts)
        if not self.entity:
            return Examples(token_ids, np.array(gold), copies=copies)
        entities = [*(tweet.entity for tweet in labelled), *(None for _ in unlabelled)]
        pairs = self.tokenizer.with_entities(token_ids, entities)
        return Examples(pairs, np.array(gold), token_ids, copies, _needs_entity(texts, gold))


def _needs_entity(texts: Sequence[str], gold: Sequence[int]) -> NDArray[np.bool_]:
    """Return whether each text occurs with different polarities, which only the entity can tell apart."""
    polarities = defaultdict(set)
    for text, column in zip(texts, gold, strict=True):
        polarities[text].add(column)
    return np.array([len(polarities[text] - {UNKNOWN}) > 1 for text in texts])
