"""Rejections: the reasons why a message cannot be labelled."""

from collections import Counter
from enum import StrEnum


class Reason(StrEnum):
    """Reason for a rejection."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    BAD_ROW = "bad_row"
    """A row of a table with more or fewer fields than its header; only commands that read files give this reason."""
    DELETION = "deletion"
    """A notice that a post was deleted."""
    EDIT = "edit"
    """A notice that a post was edited; it was labelled when it was new."""
    NOT_A_POST = "not_a_post"
    """An event of a stream that concerns something else than a post, for instance a like."""
    UNSUPPORTED = "unsupported"
    """A CloudEvents message of another version or format, or a batch of them."""
    NO_ID = "no_id"
    BAD_ID = "bad_id"
    NO_TEXT = "no_text"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    NOTHING_LEFT = "nothing_left"
    OTHER_LANGUAGE = "other_language"
    """A tweet in a language that no model labels (`languages.policy`)."""
    UNSURE = "unsure"
    """A tweet whose polarity is less probable than the settings require (`decision.threshold`)."""
    LABEL_REFUSED = "label_refused"
    """A tweet whose label the broker does not accept, for instance because it is too large."""


class RejectedTweetError(Exception):
    """A message that cannot be labelled. It is not a fault of the service, and is reported on the rejected topic."""

    def __init__(self, reason: Reason, detail: str, tweet_id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.tweet_id = tweet_id
        self.entity: str | None = None
        """The entity whose label is missing; None: all labels of the message are."""


class RejectionCount:
    """Number of rejections by reason, for the summary of a command."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def add(self, rejected: RejectedTweetError) -> None:
        """Count a rejection."""
        self.reasons[rejected.reason] += 1

    @property
    def total(self) -> int:
        """Number of rejections."""
        return self.reasons.total()

    @property
    def reasons_in_words(self) -> str:
        """The number for each reason, the highest first: '2 no_id, 1 not_json'."""
        return ", ".join(f"{count} {reason}" for reason, count in self.reasons.most_common())
