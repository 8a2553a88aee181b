"""Looks tweets up by their ids in the X API v2, by tweepy.

https://docs.x.com/x-api/posts/lookup: GET /2/tweets with up to a hundred ids answers with `data`, the tweets that are
there, and `errors`, a problem for each that is not; 429 with `x-rate-limit-reset` when too much was asked.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import tweepy
from pydantic import BaseModel, SecretStr, ValidationError
from requests import ConnectionError as NoConnectionError
from requests import JSONDecodeError, PreparedRequest, RequestException, Response, Timeout
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError

from training.errors import HydrationError
from training.hydration.found import Found, Missing

MOST_IDS = 100
"""In one request."""
_TWEEPYS_HOST = "https://api.twitter.com"
_TIMEOUT_SECONDS = 30.0
_FIELDS = ["lang", "note_tweet", "withheld"]
_WAIT_UNTOLD_SECONDS = 60.0
"""Where a refusal does not say until when."""
_TROUBLES: dict[type[Exception], str] = {
    Timeout: f"no answer in {_TIMEOUT_SECONDS:.0f} s",
    NoConnectionError: "it cannot be reached",
    ChunkedEncodingError: "the connection was cut",
    JSONDecodeError: "an answer that is not JSON",
}
"""The first that an error is of; requests itself says these in half a page."""


class TryLaterError(Exception):
    """The API cannot answer now.

    Args:
        reason: Why, in words.
        wait_seconds: How long it wants to be left alone; None: it does not say.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Answer:
    """What became of the ids that were asked for."""

    found: list[Found]
    missing: list[Missing]


class XApi:
    """The API, or what answers as it does.

    Args:
        token: The app's bearer token.
        address: Where it is, without the path.
    """

    def __init__(self, token: SecretStr, address: str = _TWEEPYS_HOST) -> None:
        self._client = tweepy.Client(bearer_token=token.get_secret_value(), return_type=dict)
        self._client.session.mount(_TWEEPYS_HOST, _Way(address))

    def look_up(self, ids: Sequence[str]) -> Answer:
        """Ask for up to a hundred tweets.

        Raises:
            TryLaterError: Too much was asked, or the API cannot be reached or is not well.
            HydrationError: It refuses, and asking again will not help.
        """
        try:
            answer = self._client.get_tweets(list(ids), tweet_fields=_FIELDS)
        except tweepy.TooManyRequests as error:
            _refused_for_now(error)
        except (tweepy.TwitterServerError, RequestException) as error:
            raise TryLaterError(_in_words(error)) from error
        except tweepy.HTTPException as error:
            raise HydrationError(f"the X API refuses: {_in_words(error)}{_hint(error)}") from error
        return _read(ids, answer)


class _Tweet(BaseModel):
    id: str
    text: str
    lang: str | None = None
    note_tweet: dict[str, Any] = {}
    """The whole of a text that `text` has the beginning of."""
    withheld: dict[str, Any] | None = None


class _Problem(BaseModel):
    resource_id: str | None = None
    value: str | None = None
    type: str = ""
    title: str = ""
    detail: str = ""


class _Body(BaseModel):
    data: list[_Tweet] = []
    errors: list[_Problem] = []


class _Way(HTTPAdapter):  # type: ignore[misc]  # requests is untyped
    """The way to the API: with a time limit, which tweepy sets none of, and to where it is."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address.rstrip("/")

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401
        request.url = f"{self._address}{(request.url or '').removeprefix(_TWEEPYS_HOST)}"
        return super().send(request, *arguments, **options | {"timeout": _TIMEOUT_SECONDS})


def _read(ids: Sequence[str], answer: object) -> Answer:
    try:
        body = _Body.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TryLaterError(f"an answer that is not the X API's ({where}: {first['msg']})") from error
    asked = set(ids)
    found = [_found(tweet) for tweet in body.data if tweet.id in asked and tweet.withheld is None]
    missing = {tweet.id: Missing(tweet.id, "withheld") for tweet in body.data if tweet.withheld is not None}
    for problem in body.errors:
        tweet_id = problem.resource_id or problem.value or ""
        missing[tweet_id] = Missing(tweet_id, problem.type.rpartition("/")[2] or problem.title, problem.detail)
    known = {tweet.id for tweet in found} | set(missing)
    missing |= {tweet_id: Missing(tweet_id, "not-answered") for tweet_id in ids if tweet_id not in known}
    return Answer(found, [each for tweet_id, each in missing.items() if tweet_id in asked])


def _found(tweet: _Tweet) -> Found:
    whole = tweet.note_tweet.get("text")
    return Found(tweet.id, whole if isinstance(whole, str) else tweet.text, tweet.lang)


def _refused_for_now(error: tweepy.TooManyRequests) -> NoReturn:
    reset = error.response.headers.get("x-rate-limit-reset", "")
    if not reset.isdecimal() and "usage-capped" in error.response.text:
        raise HydrationError("the X API refuses: the plan's tweets of this month are used up") from error
    wait = int(reset) + 1 - time.time() if reset.isdecimal() else _WAIT_UNTOLD_SECONDS
    raise TryLaterError("the rate limit is reached", max(1.0, wait)) from error


def _hint(error: tweepy.HTTPException) -> str:
    if isinstance(error, tweepy.Unauthorized):
        return ": is the bearer token right?"
    return ": may the app look up tweets?" if isinstance(error, tweepy.Forbidden) else ""


def _in_words(error: Exception) -> str:
    trouble = next((words for kind, words in _TROUBLES.items() if isinstance(error, kind)), str(error))
    return " ".join(trouble.split())
