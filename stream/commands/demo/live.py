"""Posts of a public stream for the demo; the samples where the stream cannot be reached."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, MutableMapping
from contextlib import aclosing

import aiohttp
import typer

from stream.commands.feed.feed import source_named
from stream.feed.events import Post
from stream.feed.filters import Filter
from stream.feed.http import open_session
from stream.feed.messages import post_message
from stream.feed.source import SourceError, TokenError
from stream.settings import Settings

POSTS = 200
"""Number of posts that the demo shows, unless it is told another one."""
_PATIENCE_SECONDS = 15.0
"""Time for the first post."""


async def live_posts(
    name: str, settings: Settings, most: int, texts: MutableMapping[str, str], samples: Iterable[bytes]
) -> AsyncIterator[bytes]:
    """Yield posts of a source as they come; the samples where it cannot be reached.

    Args:
        name: The source.
        settings: The user's settings.
        most: Number of posts, at most.
        texts: Gets the text of each post by its id, for the view.
        samples: Messages in place of posts.
    """
    number = 0
    try:
        async with open_session() as session, aclosing(_posts(name, settings, session)) as posts:
            while number < most:
                async with asyncio.timeout(None if number else _PATIENCE_SECONDS):
                    post = await anext(posts)
                number += 1
                texts[post.id] = post.text
                yield post_message(post, name)
    except (SourceError, TokenError, TimeoutError) as error:
        if number:
            typer.echo(f"{name} was lost after {number} posts: {error}", err=True)
            return
        reason = str(error) or f"no post in {_PATIENCE_SECONDS:g} s"
        typer.echo(f"{name} cannot be read ({reason}): the samples are shown instead", err=True)
        for sample in samples:
            yield sample


async def _posts(name: str, settings: Settings, session: aiohttp.ClientSession) -> AsyncGenerator[Post]:
    """Yield the posts of one connection that the settings' filters let through."""
    post_filter = Filter(settings)
    events = source_named(name, settings, session).connect(None)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Post) and not event.edited and isinstance(post := post_filter.judge(event), Post):
                yield post
