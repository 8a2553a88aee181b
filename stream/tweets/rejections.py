"""Rejections: the reasons why a message cannot be labelled."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a tweet was rejected."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_ID = "no_id"
    BAD_ID = "bad_id"
    NO_TEXT = "no_text"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    NOTHING_LEFT = "nothing_left"


class RejectedTweetError(Exception):
    """A tweet that cannot be labelled. No fault of the service: it is reported to the rejected topic."""

    def __init__(self, reason: Reason, detail: str, tweet_id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.tweet_id = tweet_id
