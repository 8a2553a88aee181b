"""Pages of APIs: one JSON object with many posts, which become one message each."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from stream.tweets.shapes import x_v2

_PAGE = re.compile(rb'"(?:data|statuses|posts|feed)"\s*:\s*\[')
_PAGE_KEYS = ("statuses", "posts", "feed")


def messages_of(content: bytes) -> Iterable[bytes]:
    """Return the messages of a JSON value: itself, or where it is a page of an API, one for each post."""
    if not _PAGE.search(content):
        return [content]
    try:
        page = orjson.loads(content)
    except orjson.JSONDecodeError:
        return [content]
    if not isinstance(page, dict) or not page.keys().isdisjoint({"id", "id_str", "text"}):
        return [content]
    if isinstance(page.get("data"), list):
        return [orjson.dumps(_with_originals(tweet, page)) for tweet in page["data"]]
    posts = next((page[key] for key in _PAGE_KEYS if isinstance(page.get(key), list)), None)
    return [content] if posts is None else map(orjson.dumps, posts)


def _with_originals(tweet: Any, page: Mapping[str, Any]) -> Any:  # noqa: ANN401  (any JSON)
    """Return a tweet of a page of API v2 as a message, with those of the page's tweets that it refers to."""
    includes = page.get("includes")
    tweets = includes.get("tweets") if isinstance(includes, dict) else None
    if not isinstance(tweet, dict) or not isinstance(tweets, list):
        return tweet
    ids = x_v2.referenced_ids(tweet)
    originals = [each for each in tweets if isinstance(each, dict) and each.get("id") in ids]
    return {"data": tweet, "includes": {"tweets": originals}} if originals else tweet
