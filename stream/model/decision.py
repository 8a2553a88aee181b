"""The decision for a polarity from a model's probabilities, as the settings `[decision]` state it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stream.settings import DecisionSettings
from stream.tweets.labels import Change, Label
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.rejections import Reason, RejectedTweetError

_PUBLISHED_PLACES = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """A polarity, and the probabilities that it was decided by."""

    polarity: Polarity
    probabilities: dict[Polarity, float]
    change: Change | None = None
    """The setting that made the polarity another one than the model's most probable; None: it is the same."""
    confident: bool = True
    """False if the confidence is below the threshold."""
    unsure: str | None = None
    """The reason why the tweet is rejected instead; None: it is not."""


class DecisionRule:
    """Decisions by a class prior and a threshold.

    Args:
        settings: The prior, the threshold, and what becomes of tweets below it.
        model_prior: The shares of the classes for which the model's probabilities hold, in the order of POLARITIES.
    """

    def __init__(self, settings: DecisionSettings, model_prior: tuple[float, ...]) -> None:
        self._settings = settings
        self._factors: dict[Polarity, float] | None = None
        if settings.prior is not None:
            shares = zip(POLARITIES, settings.prior, model_prior, strict=True)
            self._factors = {name: share / model_share for name, share, model_share in shares}

    def decide(self, probabilities: Mapping[Polarity, float]) -> Decision:
        """Decide by the model's probabilities of one tweet."""
        most_probable = _most_probable(probabilities)
        weighted = self._reweighted(probabilities)
        polarity = _most_probable(weighted)
        decision = Decision(polarity, weighted, "prior" if polarity != most_probable else None)
        threshold = self._settings.threshold
        # The published confidence is rounded, and is what a reader compares with the threshold.
        if threshold is None or (confidence := round(weighted[polarity], _PUBLISHED_PLACES)) >= threshold:
            return decision
        decision = replace(decision, confident=False)
        if self._settings.below_threshold == "reject":
            detail = (
                f"the most probable polarity, {polarity}, has {confidence:g}, and decision.threshold is {threshold:g}"
            )
            return replace(decision, unsure=detail)
        if polarity == "neutral":
            return decision
        return replace(decision, polarity="neutral", change="below_threshold")

    def apply(self, label: Label) -> Label:
        """Return a label with the decision in place of the model's most probable polarity.

        Raises:
            RejectedTweetError: The confidence is below the threshold, and the settings reject such tweets.
        """
        if self._settings.prior is None and self._settings.threshold is None:
            return label
        decision = self.decide(label.probabilities)
        if decision.unsure is not None:
            raise RejectedTweetError(Reason.UNSURE, decision.unsure, label.tweet.id)
        return replace(
            label, polarity=decision.polarity, probabilities=decision.probabilities, decision=decision.change
        )

    def _reweighted(self, probabilities: Mapping[Polarity, float]) -> dict[Polarity, float]:
        if self._factors is None:
            return dict(probabilities)
        products = {name: value * self._factors[name] for name, value in probabilities.items()}
        total = sum(products.values())
        return {name: value / total for name, value in products.items()}


def _most_probable(probabilities: Mapping[Polarity, float]) -> Polarity:
    """Return the most probable polarity; of equal ones the first, as argmax does."""
    return max(probabilities, key=lambda name: probabilities[name])
