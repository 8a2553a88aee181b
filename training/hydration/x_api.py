"""Look-up of tweets by their ids in the X API v2, with tweepy.

https://docs.x.com/x-api/posts/lookup: GET /2/tweets with up to a hundred ids answers with `data`, the tweets that were
found, and `errors`, a problem for each that was not; 429 with `x-rate-limit-reset`, and where a limit of 24 hours is
reached `x-app-limit-24hour-reset` or `x-user-limit-24hour-reset`, when too much was requested.
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
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
"""Ids in one request, at most."""
_TWEEPYS_HOST = "https://api.twitter.com"
_TIMEOUT_SECONDS = 30.0
_FIELDS = ["lang", "note_tweet", "withheld"]
_UNKNOWN_WAIT_SECONDS = 60.0
"""First wait where a refusal does not say how long; it doubles."""
_LIMITS = ("x-app-limit-24hour", "x-user-limit-24hour", "x-rate-limit")
"""Prefixes of the headers about limits."""
_TROUBLES: dict[type[Exception], str] = {
    Timeout: f"no answer in {_TIMEOUT_SECONDS:.0f} s",
    NoConnectionError: "it cannot be reached",
    ChunkedEncodingError: "the connection was cut",
    JSONDecodeError: "an answer that is not JSON",
}
"""Descriptions of errors, the first that fits; those of requests are very long."""


class TryLaterError(Exception):
    """The API cannot answer now.

    Args:
        reason: The reason in words.
        wait_seconds: Time to wait, as the API says; None: unknown.
        first_wait_seconds: Time to wait at first where it is unknown.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None, first_wait_seconds: float = 1.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds
        self.first_wait_seconds = first_wait_seconds


@dataclass(frozen=True)
class Answer:
    """The results for the ids of a request."""

    found: list[Found]
    missing: list[Missing]


class XApi:
    """The API, or a server with the same interface.

    Args:
        token: The app's bearer token.
        address: Its URL without the path.
    """

    def __init__(self, token: SecretStr, address: str = _TWEEPYS_HOST) -> None:
        self._client = tweepy.Client(bearer_token=token.get_secret_value(), return_type=dict)
        self._client.session.mount(_TWEEPYS_HOST, _Way(address))

    def look_up(self, ids: Sequence[str]) -> Answer:
        """Look up to a hundred tweets up.

        Raises:
            TryLaterError: Too much was requested, or the API cannot be reached or has a fault.
            HydrationError: It refuses, and a repetition would not help.
        """
        try:
            answer = self._client.get_tweets(list(ids), tweet_fields=_FIELDS)
        except tweepy.BadRequest as error:
            return self._without_refused_ids(ids, error)
        except tweepy.TooManyRequests as error:
            _refused_for_now(error)
        except (tweepy.TwitterServerError, RequestException) as error:
            raise TryLaterError(_in_words(error)) from error
        except tweepy.HTTPException as error:
            raise HydrationError(f"the X API refuses: {_in_words(error)}{_hint(error)}") from error
        return _read(ids, answer)

    def _without_refused_ids(self, ids: Sequence[str], error: tweepy.BadRequest) -> Answer:
        """Look the other ids up where the API names those that it cannot read, and list these as missing."""
        refused = set(_refused_ids(ids, error))
        if not refused:
            raise HydrationError(f"the X API refuses: {_in_words(error)}") from error
        others = [tweet_id for tweet_id in ids if tweet_id not in refused]
        answer = self.look_up(others) if others else Answer([], [])
        missing = [Missing(tweet_id, "not-an-id", _in_words(error)) for tweet_id in ids if tweet_id in refused]
        return Answer(answer.found, [*answer.missing, *missing])


class _Tweet(BaseModel):
    id: str
    text: str | None = None
    """None in tweets that are withheld."""
    lang: str | None = None
    note_tweet: dict[str, Any] = {}
    """The whole text of a long tweet, whose `text` is cut short."""
    withheld: dict[str, Any] | None = None


class _Problem(BaseModel):
    resource_id: str | None = None
    value: str | None = None
    type: str = ""
    title: str = ""
    detail: str = ""


class _Body(BaseModel):
    data: list[_Tweet] | None = None
    errors: list[_Problem] | None = None


class _Way(HTTPAdapter):
    """The connection to the API, at its address and with a time limit, which tweepy does not set."""

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
    tweets = body.data or []
    found = [_found(tweet) for tweet in tweets if tweet.id in asked and not _is_withheld(tweet)]
    missing = {tweet.id: Missing(tweet.id, "withheld") for tweet in tweets if _is_withheld(tweet)}
    for problem in body.errors or []:
        tweet_id = problem.resource_id or problem.value or ""
        missing[tweet_id] = Missing(tweet_id, problem.type.rpartition("/")[2] or problem.title, problem.detail)
    known = {tweet.id for tweet in found} | set(missing)
    missing |= {tweet_id: Missing(tweet_id, "not-answered") for tweet_id in ids if tweet_id not in known}
    return Answer(found, [each for tweet_id, each in missing.items() if tweet_id in asked])


def _found(tweet: _Tweet) -> Found:
    whole = tweet.note_tweet.get("text")
    return Found(tweet.id, whole if isinstance(whole, str) else tweet.text or "", tweet.lang)


def _is_withheld(tweet: _Tweet) -> bool:
    return tweet.withheld is not None or tweet.text is None


def _refused_for_now(error: tweepy.TooManyRequests) -> NoReturn:
    if "usage-capped" in error.response.text or "UsageCapExceeded" in error.response.text:
        raise HydrationError("the X API refuses: the plan's tweets of this month are used up") from error
    wait_seconds = _wait_seconds(error.response.headers, time.time())
    raise TryLaterError("the rate limit is reached", wait_seconds, _UNKNOWN_WAIT_SECONDS) from error


def _wait_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Return the time until the last of the reached limits is reset; None where the headers do not tell.

    Args:
        headers: Those of the answer. Its date is used in place of this machine's clock, which may be wrong.
        now: The time by this machine's clock, in seconds since the epoch.
    """
    resets = {prefix: headers.get(f"{prefix}-reset", "") for prefix in _LIMITS}
    reached = [prefix for prefix in _LIMITS if headers.get(f"{prefix}-remaining") == "0"] or ["x-rate-limit"]
    times = [int(resets[prefix]) for prefix in reached if resets[prefix].isdecimal()]
    if not times:
        return None
    with suppress(ValueError):  # without a date, this machine's clock is the best there is
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    seconds = max(times) + 1 - now
    return seconds if seconds > 0 else None


def _refused_ids(ids: Sequence[str], error: tweepy.BadRequest) -> list[str]:
    """Return the ids that the API names as the reason for its refusal."""
    return [tweet_id for tweet_id in ids if any(re.search(rf"\[{tweet_id}\]", each) for each in error.api_messages)]


def _hint(error: tweepy.HTTPException) -> str:
    if isinstance(error, tweepy.Unauthorized):
        return ": is the bearer token right?"
    return ": may the app look up tweets?" if isinstance(error, tweepy.Forbidden) else ""


def _in_words(error: Exception) -> str:
    trouble = next((words for kind, words in _TROUBLES.items() if isinstance(error, kind)), str(error))
    return " ".join(trouble.split())
