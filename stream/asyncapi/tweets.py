"""The shapes of messages on the topics of tweets, as far as the service reads them; further fields are allowed."""

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@with_config(_DESCRIBED)
class XTweet(TypedDict):
    """A tweet of the X API version 2; the simplest shape for programs of your own."""

    id: str | int
    """The tweet's id: a string with up to 128 characters, or an integer of 64 bits."""
    text: str
    """The text."""
    entity: NotRequired[str | None]
    """The company, product or person that the tweet concerns; it is copied to the label."""
    lang: NotRequired[str | None]
    """The language of the text; it is copied to the label."""
    note_tweet: NotRequired[Any]
    """`{"text": …}`: the whole text of a long tweet."""
    referenced_tweets: NotRequired[Any]
    """References to other tweets: a retweet has the text of its original, which is in `includes`."""


@with_config(_DESCRIBED)
class XAnswer(TypedDict):
    """An answer of the X API version 2, also of its filtered stream."""

    data: XTweet
    """The tweet."""
    includes: NotRequired[Any]
    """Other tweets that this one refers to."""
    entity: NotRequired[str | None]
    """The entity that the tweet concerns."""


@with_config(_DESCRIBED)
class XTweetVersion1(TypedDict):
    """A tweet of the X API version 1.1."""

    id_str: str
    """The tweet's id."""
    full_text: NotRequired[str | None]
    """The text of a tweet in extended mode."""
    text: NotRequired[str | None]
    """The text, which may be cut short."""
    extended_tweet: NotRequired[Any]
    """`{"full_text": …}`: the whole text of a long tweet."""
    retweeted_status: NotRequired[Any]
    """The original of a retweet."""
    entity: NotRequired[str | None]
    """The entity that the tweet concerns."""
    lang: NotRequired[str | None]
    """The language of the text."""


@with_config(_DESCRIBED)
class ArchivedTweet(TypedDict):
    """An entry of Twitter's archive."""

    tweet: XTweetVersion1
    """The tweet."""


@with_config(_DESCRIBED)
class BlueskyRecord(TypedDict):
    """An `app.bsky.feed.post` record."""

    text: str
    """The text."""
    langs: NotRequired[Any]
    """Languages of the text; the first one is copied to the label."""


@with_config(_DESCRIBED)
class JetstreamCreation(TypedDict):
    """The creation of a post."""

    operation: Literal["create"]
    """Kind of the commit."""
    collection: Literal["app.bsky.feed.post"]
    """Collection of the record."""
    rkey: str
    """Key of the record."""
    record: BlueskyRecord
    """The post."""


@with_config(_DESCRIBED)
class JetstreamEvent(TypedDict):
    """An event of Bluesky's Jetstream. The post's id is its AT URI."""

    did: str
    """The author."""
    kind: Literal["commit"]
    """Kind of the event."""
    commit: JetstreamCreation
    """The commit."""


@with_config(_DESCRIBED)
class JetstreamEventVersion2(JetstreamCreation):
    """An event of version 2 of Bluesky's Jetstream: a commit's fields beside `$type`, which ends with `#commit`."""

    did: str
    """The author."""


@with_config(_DESCRIBED)
class BlueskyPost(TypedDict):
    """A post as Bluesky's API gives it; also inside `{"post": …}`."""

    uri: str
    """The post's AT URI, its id."""
    record: BlueskyRecord
    """The post."""


@with_config(_DESCRIBED)
class BlueskyFeedEntry(TypedDict):
    """An entry of a feed as Bluesky's API gives it."""

    post: BlueskyPost
    """The post."""


@with_config(_DESCRIBED)
class MastodonStatus(TypedDict):
    """A status of Mastodon."""

    id: str | int
    """The status's id."""
    content: str
    """The text as HTML."""
    spoiler_text: NotRequired[Any]
    """The content warning, which becomes the first line of the text."""
    language: NotRequired[str | None]
    """The language of the text."""
    reblog: NotRequired[Any]
    """The original of a boost."""
    entity: NotRequired[str | None]
    """The entity that the status concerns."""


@with_config(_DESCRIBED)
class MastodonEvent(TypedDict):
    """An event of Mastodon's streaming API."""

    event: Literal["update"]
    """Kind of the event."""
    payload: str | MastodonStatus
    """The status, as JSON in a string or decoded."""


@with_config(_DESCRIBED)
class CloudEvent(TypedDict):
    """A CloudEvents message in structured mode around one of the other shapes, in `data` or `data_base64`."""

    specversion: str
    """Version of CloudEvents: 1.0."""
    data: NotRequired[Any]
    """The message."""
    data_base64: NotRequired[str | None]
    """The message, in base64."""
    entity: NotRequired[Any]
    """The entity that the post concerns, where the message has none itself."""
    lang: NotRequired[Any]
    """The language of the post, where the message has none itself."""


SHAPES = (
    XTweet,
    XAnswer,
    XTweetVersion1,
    ArchivedTweet,
    JetstreamEvent,
    JetstreamEventVersion2,
    BlueskyPost,
    BlueskyFeedEntry,
    MastodonStatus,
    MastodonEvent,
    CloudEvent,
)
