"""A loaded model: tokenizer, interpreters and cleaning of a bundle, or of the two bundles of a cascade."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, TOKENIZER_FILE, Bundle, Manifest, load_bundle
from stream.model.cascade import FIRST, CascadeClassifier, joined_ids
from stream.model.classifier import AnyClassifier, Classifier
from stream.model.decision import DecisionRule
from stream.model.memory import release_freed_memory, release_mapped_pages
from stream.model.parallelism import choose_parallelism
from stream.model.proof import prove
from stream.model.tokenizer import Tokenizer, Tokens
from stream.settings import DecisionSettings, ModelSettings
from stream.tweets.cleaning import Cleaner, cleaner
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True)
class Model:
    """A bundle with its cleaning, its tokenizer and its interpreters, warmed up."""

    bundle: Bundle
    tokenizer: Tokenizer
    classifiers: Sequence[AnyClassifier]
    clean: Cleaner

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """The bundles of the models that answer."""
        return (self.bundle,)

    @property
    def languages(self) -> list[str]:
        """The codes of the languages that all of its bundles list."""
        first, *others = (bundle.manifest.languages for bundle in self.bundles)
        return [language for language in first if all(language in other for other in others)]

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
        return self.encoded(tweet, self.cleaned(tweet))

    def encoded(self, tweet: Tweet, text: str) -> Tokens:
        """Tokenise a tweet's text, as `cleaned` returns it, and its entity if the model reads one."""
        return self.tokenizer.encode(text, tweet.entity)

    def all_tokens(self, tweets: Sequence[Tweet], texts: Sequence[str]) -> list[Tokens]:
        """Tokenise many tweets, faster than one by one.

        Args:
            tweets: The tweets.
            texts: Their texts, as `cleaned` returns them.
        """
        return self.tokenizer.encode_all(texts, [tweet.entity for tweet in tweets])

    def label(self, tweet: Tweet, probabilities: NDArray[np.float32]) -> Label:
        """Make a tweet's label from the row that a classifier returned for it."""
        labels = self.bundle.manifest.labels
        named = dict(zip(labels, probabilities.tolist(), strict=True))
        polarity = labels[int(probabilities.argmax())]
        return Label(tweet, polarity, named, entity_used=self.tokenizer.reads(tweet.entity))


@dataclass(frozen=True)
class CascadeModel(Model):
    """Two models: `first` answers, and the tweets that it is unsure of are passed on to the other."""

    first: Model
    shared: bool
    """True if both read the same token ids."""

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """The bundles of both models, the first one first."""
        return (self.first.bundle, self.bundle)

    def encoded(self, tweet: Tweet, text: str) -> Tokens:
        """Tokenise a tweet as both models need it; `text` is cleaned for the second one."""
        tokens = super().encoded(tweet, text)
        if self.shared:
            return tokens
        of_first = self._text_for_first(tweet)
        return _joined(self.first.encoded(tweet, of_first).ids if of_first else [], tokens)

    def all_tokens(self, tweets: Sequence[Tweet], texts: Sequence[str]) -> list[Tokens]:
        """Tokenise many tweets as both models need them; `texts` are cleaned for the second one."""
        tokens = super().all_tokens(tweets, texts)
        if self.shared:
            return tokens
        of_first = [self._text_for_first(tweet) for tweet in tweets]
        encoded = self.first.all_tokens(tweets, of_first)
        return [
            _joined(first.ids if text else [], second)
            for text, first, second in zip(of_first, encoded, tokens, strict=True)
        ]

    def label(self, tweet: Tweet, probabilities: NDArray[np.float32]) -> Label:
        """Make a tweet's label, which names the model that answered."""
        label = super().label(tweet, probabilities[:-1])
        if probabilities[-1] != FIRST:
            return replace(label, model=self.bundle.identity)
        return replace(label, model=self.first.bundle.identity, entity_used=self.first.tokenizer.reads(tweet.entity))

    def _text_for_first(self, tweet: Tweet) -> str:
        """Return the text as cleaned for the first model; empty if the second one reads an entity that it does not."""
        if self.tokenizer.reads(tweet.entity) and not self.first.tokenizer.reads(tweet.entity):
            return ""
        return self.first.clean(tweet.text)


def _joined(first: Sequence[int], second: Tokens) -> Tokens:
    return replace(second, ids=joined_ids(first, second.ids), own_count=len(second.ids))


class Decisions:
    """The decisions for the labels of a model; each model of a cascade has its own class prior.

    Args:
        settings: The settings of the decision.
        model: The model.
    """

    def __init__(self, settings: DecisionSettings, model: Model) -> None:
        self._rule = DecisionRule(settings, model.bundle.manifest.class_prior)
        self._rules = {each.identity: DecisionRule(settings, each.manifest.class_prior) for each in model.bundles}

    def apply(self, label: Label) -> Label:
        """Return a label with the decision in place of the most probable polarity of the model that answered.

        Raises:
            RejectedTweetError: The confidence is below the threshold, and the settings reject such tweets.
        """
        return (self._rule if label.model is None else self._rules[label.model]).apply(label)


def load_model(settings: ModelSettings) -> Model:
    """Load, prove and warm up the bundles that the settings name; takes about a second, so not in the event loop.

    Raises:
        BundleError: A bundle cannot be used, or the two of a cascade do not fit together.
    """
    bundle = load_bundle(settings.path)
    if settings.cascade is None or settings.cascade_threshold is None:
        return _loaded(settings, bundle)
    first = load_bundle(settings.cascade)
    _check_cascade(first, bundle)
    second = _loaded(settings, bundle)
    parallelism = ModelSettings(interpreters=len(second.classifiers), threads=settings.threads)
    return _cascade(_loaded(parallelism, first), second, settings.cascade_threshold)


def _loaded(settings: ModelSettings, bundle: Bundle) -> "_SingleModel":
    clean, tokenizer = cleaner(bundle.manifest.cleaning.name, bundle.manifest.cleaning.version), Tokenizer(bundle)
    classifiers = _classifiers(settings, bundle)
    prove(bundle, tokenizer, classifiers)
    release_mapped_pages(bundle.model.mapped_name)
    release_freed_memory()
    return _SingleModel(bundle=bundle, tokenizer=tokenizer, classifiers=classifiers, clean=clean)


@dataclass(frozen=True)
class _SingleModel(Model):
    classifiers: Sequence[Classifier]


def _check_cascade(first: Bundle, second: Bundle) -> None:
    """Check that two bundles can be a cascade.

    Raises:
        BundleError: They cannot.
    """
    if first.sha256 == second.sha256:
        raise BundleError(
            f"model.cascade is the same model as model.path ({first.path} and {second.path}): name a smaller one"
        )
    if first.manifest.inputs.entity and not second.manifest.inputs.entity:
        raise BundleError(
            f"{first.path} (model.cascade) reads entities, and {second.path} (model.path), to which it would pass "
            "tweets on, does not: use a first model without entities"
        )


def _cascade(first: "_SingleModel", second: "_SingleModel", thresholds: Sequence[float]) -> CascadeModel:
    shared = _way_of_reading(first.bundle.manifest) == _way_of_reading(second.bundle.manifest)
    labels = second.bundle.manifest.labels
    return CascadeModel(
        bundle=second.bundle,
        tokenizer=second.tokenizer,
        clean=second.clean,
        classifiers=[
            CascadeClassifier(
                *pair,
                columns=[first.bundle.manifest.labels.index(label) for label in labels],
                thresholds=[thresholds[POLARITIES.index(label)] for label in labels],
                longest=second.bundle.manifest.max_tokens,
                shared=shared,
            )
            for pair in zip(first.classifiers, second.classifiers, strict=True)
        ],
        first=first,
        shared=shared,
    )


def _way_of_reading(manifest: Manifest) -> tuple[object, ...]:
    """Return what decides the token ids of a tweet: models for which it is equal read the same ids."""
    return manifest.cleaning, manifest.files[TOKENIZER_FILE], manifest.max_tokens, manifest.inputs


def _classifiers(settings: ModelSettings, bundle: Bundle) -> list[Classifier]:
    try:
        parallelism = choose_parallelism(settings, bundle, available_cores())
        return [Classifier(bundle, parallelism.threads) for _ in range(parallelism.interpreters)]
    except (RuntimeError, ValueError) as error:  # LiteRT's, at an inference
        raise BundleError(f"{bundle.path / MODEL_FILE} cannot be used: {' '.join(str(error).split())}") from error


def available_cores() -> int:
    """Return the number of cores that this process may use, which a container or taskset may limit."""
    return len(os.sched_getaffinity(0))
