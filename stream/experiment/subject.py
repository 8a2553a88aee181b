"""The models that an experiment can run: bundles, and the kinds that entry points add."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from stream.errors import InputError
from stream.experiment.plan import BUNDLE_KIND, PlannedModel
from stream.experiment.results import Subject
from stream.model.loading import load_model
from stream.model.macs import count_macs
from stream.model.tokenizer import Tokens
from stream.settings import ModelSettings
from stream.tweets.polarity import Polarity
from stream.tweets.tweet import Tweet

_KINDS = "starling.experiment"
"""Group of the entry points that add kinds of models; the training extra has some."""


@dataclass(frozen=True, slots=True)
class Inference:
    """A label and the length of the model's input."""

    polarity: Polarity
    padded_tokens: int


class Runnable(Protocol):
    """A loaded and warm model."""

    def describe(self) -> Subject:
        """Describe the model."""

    def tokens(self, tweet: Tweet) -> Tokens:
        """Clean and tokenise a tweet.

        Raises:
            RejectedTweetError: Cleaning leaves nothing of its text.
        """

    def infer(self, tokens: Tokens) -> Inference:
        """Label one tweet."""

    def macs(self, padded_tokens: Iterable[int]) -> dict[int, int]:
        """Return the multiply-accumulates of a tweet at each of these lengths."""


class Loader(Protocol):
    """The function that an entry point names."""

    def __call__(self, model: PlannedModel, path: Path, threads: int) -> Runnable:
        """Load and warm a model.

        Raises:
            StarlingError: It cannot be used.
        """


class BundleSubject:
    """A bundle, run by the service's own cleaning, tokeniser and classifier."""

    def __init__(self, _: PlannedModel, path: Path, threads: int) -> None:
        self._model = load_model(ModelSettings(path=path, interpreters=1, threads=threads))
        self._classifier = self._model.classifiers[0]
        self.tokens = self._model.tokens

    def describe(self) -> Subject:
        """Return the description in the bundle's manifest."""
        bundle = self._model.bundle
        return Subject(
            kind=BUNDLE_KIND,
            name=bundle.manifest.name,
            base=bundle.manifest.base,
            precision=bundle.manifest.precision,
            sha256=bundle.sha256,
            runtime="LiteRT",
            file_bytes=bundle.model.size_bytes,
            padding="shortest length bucket that fits",
        )

    def infer(self, tokens: Tokens) -> Inference:
        """Label one tweet, as the service labels a tweet that is alone in its batch."""
        probabilities = self._classifier.probabilities([tokens.ids])[0]
        labels = self._model.bundle.manifest.labels
        return Inference(labels[int(probabilities.argmax())], self._classifier.bucket(len(tokens.ids)))

    def macs(self, padded_tokens: Iterable[int]) -> dict[int, int]:
        """Count the operations in the bundle's graph."""
        return count_macs(self._model.bundle.model.path, padded_tokens)


def load_subject(model: PlannedModel, path: Path, threads: int) -> Runnable:
    """Load and warm a model of the kind that the plan names.

    Raises:
        StarlingError: No installed package runs this kind, or the model cannot be used.
    """
    if model.kind == BUNDLE_KIND:
        return BundleSubject(model, path, threads)
    kinds = {entry_point.name: entry_point for entry_point in entry_points(group=_KINDS)}
    if model.kind not in kinds:
        known = ", ".join(sorted({BUNDLE_KIND, *kinds}))
        raise InputError(f"models.kind = '{model.kind}' of '{model.name}' is not one of {known}")
    loader: Loader = kinds[model.kind].load()
    return loader(model, path, threads)
