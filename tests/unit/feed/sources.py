"""Events of a source in a test."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from stream.feed.events import Cursor, Event, Post
from stream.feed.http import open_session
from stream.feed.source import Source
from stream.settings import Settings

Found = TypeVar("Found")


@asynccontextmanager
async def source_of(kind: Callable[..., Source], **sections: dict[str, Any]) -> AsyncIterator[Source]:
    """Make a source with settings, given by section."""
    async with open_session() as session:
        yield kind(Settings.model_validate(sections), session)


async def events_of(source: Source, number: int, cursor: Cursor | None = None) -> list[Event]:
    """Return the first events of a connection."""
    found: list[Event] = []
    events: AsyncGenerator[Event] = source.connect(cursor)
    async with aclosing(events):
        async for event in events:
            found.append(event)
            if len(found) == number:
                break
    return found


def of_kind(events: list[Event], kind: type[Found]) -> list[Found]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def posts(events: list[Event]) -> Iterator[str]:
    """Return the texts of the posts."""
    return (post.text for post in of_kind(events, Post))
