"""X API v2: `id`, `text`, `note_tweet`; by itself or as `{"data": …, "includes": …}`, also from the filtered stream.

`text` is cut short in retweets and in long tweets. A long tweet has its whole text in `note_tweet`. A retweet has the
original's in `includes.tweets`, or in `referenced_tweets` where a tool has put it there.
"""

from stream.tweets.shapes.fields import Fields, Json, child


def matches_wrapped(found: Json) -> bool:
    """Return whether an object has a tweet in `data`, and none of its own."""
    return isinstance(found.get("data"), dict) and found.keys().isdisjoint({"id", "id_str"})


def read_wrapped(found: Json) -> Fields:
    """Return the fields of the tweet in `data`; `entity` and `lang` may stand beside it."""
    tweet = {"entity": found.get("entity"), "lang": found.get("lang"), **child(found, "data")}
    return read(tweet, child(found, "includes"))


def read(tweet: Json, includes: Json | None = None) -> Fields:
    """Return the fields of a tweet; a retweet has the whole text of the original.

    Args:
        tweet: The tweet.
        includes: Further objects of the same answer; None: those inside the tweet.
    """
    originals = child(tweet, "includes") if includes is None else includes
    text = _original_text(tweet, originals) or _own_text(tweet)
    return Fields(tweet.get("id"), text, tweet.get("entity"), tweet.get("lang"))


def referenced_ids(tweet: Json) -> set[str]:
    """Return the ids of the tweets that a tweet retweets, quotes or replies to."""
    return {reference["id"] for reference in _references(tweet) if isinstance(reference.get("id"), str)}


def _references(tweet: Json) -> list[Json]:
    references = tweet.get("referenced_tweets")
    return [each for each in references if isinstance(each, dict)] if isinstance(references, list) else []


def _original_text(tweet: Json, includes: Json) -> object:
    """Return the text of the tweet that this one retweets; a quoted tweet is another author's and is not looked at."""
    for reference in _references(tweet):
        if reference.get("type") == "retweeted":
            return _own_text(reference) or _included_text(reference.get("id"), includes)
    return None


def _included_text(tweet_id: object, includes: Json) -> object:
    tweets = includes.get("tweets")
    for tweet in tweets if isinstance(tweets, list) else ():
        if isinstance(tweet, dict) and tweet.get("id") == tweet_id:
            return _own_text(tweet)
    return None


def _own_text(tweet: Json) -> object:
    return child(tweet, "note_tweet").get("text") or tweet.get("text")
