"""A loaded model: everything of a bundle that turns a tweet into its label."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.model.bundle import Bundle, load_bundle
from stream.model.classifier import Classifier
from stream.model.memory import forget_pages_of
from stream.model.parallelism import choose_parallelism
from stream.model.tokenizer import Tokenizer, Tokens
from stream.settings import ModelSettings
from stream.tweets.cleaning import Cleaner, cleaner
from stream.tweets.labels import Label
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True)
class Model:
    """A bundle with its cleaning, its tokeniser and its interpreters, warm and ready."""

    bundle: Bundle
    tokenizer: Tokenizer
    classifiers: Sequence[Classifier]
    clean: Cleaner

    def cleaned(self, tweet: Tweet) -> str:
        """Clean a tweet's text as the model was trained.

        Raises:
            RejectedTweetError: Cleaning leaves nothing of the text.
        """
        text = self.clean(tweet.text)
        if not text:
            raise RejectedTweetError(Reason.NOTHING_LEFT, "cleaning leaves nothing of the text", tweet.id)
        return text

    def tokens(self, tweet: Tweet) -> Tokens:
        """Clean and tokenise a tweet's text.

        Raises:
            RejectedTweetError: Cleaning leaves nothing of the text.
        """
        return self.tokenizer.encode(self.cleaned(tweet))

    def label(self, tweet: Tweet, probabilities: NDArray[np.float32]) -> Label:
        """Name the polarity of one row of probabilities, shape (3,)."""
        labels = self.bundle.manifest.labels
        named = dict(zip(labels, probabilities.tolist(), strict=True))
        return Label(tweet, labels[int(probabilities.argmax())], named)


def load_model(settings: ModelSettings) -> Model:
    """Load and warms up the bundle that the settings name; takes a second or so, so not in the event loop.

    Raises:
        BundleError: The bundle cannot be used.
    """
    bundle = load_bundle(settings.path)
    clean, tokenizer = cleaner(bundle.manifest.cleaning.name, bundle.manifest.cleaning.version), Tokenizer(bundle)
    parallelism = choose_parallelism(settings, bundle, available_cores())
    model = Model(
        bundle=bundle,
        tokenizer=tokenizer,
        classifiers=[Classifier(bundle, parallelism.threads) for _ in range(parallelism.interpreters)],
        clean=clean,
    )
    for classifier in model.classifiers:
        classifier.warm_up()
    forget_pages_of(bundle.model_path)
    return model


def available_cores() -> int:
    """The cores that this process may run on, which a container or taskset may have made fewer."""
    return len(os.sched_getaffinity(0))
