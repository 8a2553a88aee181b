"""The rules of X's filtered stream: list, add, delete.

https://docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from stream.feed.http import LONGEST_MESSAGE_BYTES, lost, one_line, refusal
from stream.feed.source import SourceError
from stream.feed.sources.x import ADVICE, STREAM, x_headers
from stream.settings import Settings


@dataclass(frozen=True)
class Rule:
    """A rule of the stream."""

    id: str
    value: str
    """The condition, for example `"coffee machine" lang:en -is:retweet`."""
    tag: str = ""
    """The entity of posts that match."""


class Rules:
    """The app's rules, which X keeps.

    Args:
        settings: Address and token.
        session: Makes the requests.

    Raises:
        SettingsError: The settings name no token, or its file cannot be read.
    """

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._url = f"{settings.x.server}/{STREAM}/rules"
        self._headers = x_headers(settings)
        self._session = session

    async def listed(self) -> list[Rule]:
        """Return all rules.

        Raises:
            SourceError: X does not answer, or refuses.
        """
        answer = await self._request("GET", None)
        found = answer.get("data")
        return [_rule(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def add(self, value: str, tag: str) -> Rule:
        """Add a rule.

        Raises:
            SourceError: X does not answer, or does not accept the rule.
        """
        answer = await self._request("POST", {"add": [{"value": value, **({"tag": tag} if tag else {})}]})
        found = answer.get("data")
        if not isinstance(found, list) or not found or not isinstance(found[0], dict):
            raise SourceError(f"X did not add the rule: {_reason(answer)}")
        return _rule(found[0])

    async def delete(self, identifiers: Sequence[str]) -> int:
        """Delete rules by their ids; return how many there were.

        Raises:
            SourceError: X does not answer, or does not delete them.
        """
        answer = await self._request("POST", {"delete": {"ids": list(identifiers)}})
        meta = answer.get("meta")
        summary = meta.get("summary") if isinstance(meta, dict) else None
        deleted = summary.get("deleted") if isinstance(summary, dict) else None
        if not isinstance(deleted, int) or deleted < len(identifiers):
            raise SourceError(f"X deleted {deleted or 0} of {len(identifiers)} rules: {_reason(answer)}")
        return deleted

    async def _request(self, method: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._url, json=body, headers=self._headers) as answer:
                content = await answer.content.read(LONGEST_MESSAGE_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {self._url}", error) from error
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            detail = content[:1000].decode("utf-8", "replace")
            raise refusal("the request for the rules", answer.status, answer.headers, detail, ADVICE)
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise SourceError("X answered the request for the rules with something else than JSON") from error
        return found if isinstance(found, dict) else {}


def _rule(found: dict[str, Any]) -> Rule:
    return Rule(*(one_line(str(found.get(key) or ""), 2048) for key in ("id", "value", "tag")))


def _reason(answer: dict[str, Any]) -> str:
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    details = first.get("details")
    detail = details[0] if isinstance(details, list) and details else first.get("detail") or first.get("title")
    return one_line(str(detail or "it gives no reason"))
