"""A loaded model: tokenizer, interpreters and cleaning of a bundle."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, Bundle, load_bundle
from stream.model.classifier import Classifier
from stream.model.memory import release_mapped_pages
from stream.model.parallelism import choose_parallelism
from stream.model.proof import prove
from stream.model.tokenizer import Tokenizer, Tokens
from stream.settings import ModelSettings
from stream.tweets.cleaning import Cleaner, cleaner
from stream.tweets.labels import Label
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True)
class Model:
    """A bundle with its cleaning, its tokenizer and its interpreters, warmed up."""

    bundle: Bundle
    tokenizer: Tokenizer
    classifiers: Sequence[Classifier]
    clean: Cleaner

    def cleaned(self, tweet: Tweet) -> str:
        """Clean a tweet's text as for the model's training.

        Raises:
            RejectedTweetError: Cleaning leaves nothing of the text.
        """
        text = self.clean(tweet.text)
        if not text:
            raise RejectedTweetError(Reason.NOTHING_LEFT, "cleaning leaves nothing of the text", tweet.id)
        return text

    def tokens(self, tweet: Tweet) -> Tokens:
        """Clean and tokenise a tweet's text, and its entity if the model reads one.

        Raises:
            RejectedTweetError: Cleaning leaves nothing of the text.
        """
        return self.tokenizer.encode(self.cleaned(tweet), tweet.entity)

    def label(self, tweet: Tweet, probabilities: NDArray[np.float32]) -> Label:
        """Make a tweet's label from its probabilities, shape (3,)."""
        labels = self.bundle.manifest.labels
        named = dict(zip(labels, probabilities.tolist(), strict=True))
        polarity = labels[int(probabilities.argmax())]
        return Label(tweet, polarity, named, entity_used=self.tokenizer.reads(tweet.entity))


def load_model(settings: ModelSettings) -> Model:
    """Load, prove and warm up the bundle that the settings name; takes about a second, so not in the event loop.

    Raises:
        BundleError: The bundle cannot be used.
    """
    bundle = load_bundle(settings.path)
    clean, tokenizer = cleaner(bundle.manifest.cleaning.name, bundle.manifest.cleaning.version), Tokenizer(bundle)
    classifiers = _classifiers(settings, bundle)
    prove(bundle, tokenizer, classifiers)
    release_mapped_pages(bundle.model.mapped_name)
    return Model(bundle=bundle, tokenizer=tokenizer, classifiers=classifiers, clean=clean)


def _classifiers(settings: ModelSettings, bundle: Bundle) -> list[Classifier]:
    try:
        parallelism = choose_parallelism(settings, bundle, available_cores())
        return [Classifier(bundle, parallelism.threads) for _ in range(parallelism.interpreters)]
    except (RuntimeError, ValueError) as error:  # LiteRT's, at an inference
        raise BundleError(f"{bundle.path / MODEL_FILE} cannot be used: {' '.join(str(error).split())}") from error


def available_cores() -> int:
    """Return the number of cores that this process may use, which a container or taskset may limit."""
    return len(os.sched_getaffinity(0))
