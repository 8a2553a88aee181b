"""A server on this machine that answers as the X API's look-up of tweets is documented to, its troubles included."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "let-me-in"  # noqa: S105
PROBLEM = "https://api.twitter.com/2/problems/"
Trouble = Callable[["Handler"], None]


@dataclass
class Api:
    """What it knows, what goes wrong, and what it was asked."""

    tweets: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """The problem of an id, where it is not `resource-not-found`."""
    troubles: list[Trouble] = field(default_factory=list)
    """One for each of the next requests, instead of an answer."""
    asked: list[list[str]] = field(default_factory=list)
    address: str = ""

    def answer(self, ids: Sequence[str]) -> dict[str, Any]:
        """As documented: `data` only where a tweet was found, `errors` only where one was not."""
        data = [
            {"id": each, "edit_history_tweet_ids": [each], **self.tweets[each]} for each in ids if each in self.tweets
        ]
        errors = [self._error(each) for each in ids if each not in self.tweets]
        return ({"data": data} if data else {}) | ({"errors": errors} if errors else {})

    def _error(self, tweet_id: str) -> dict[str, str]:
        return {
            "value": tweet_id,
            "detail": f"Could not find tweet with ids: [{tweet_id}].",
            "title": "Not Found Error",
            "resource_type": "tweet",
            "parameter": "ids",
            "resource_id": tweet_id,
            "type": PROBLEM + self.problems.get(tweet_id, "resource-not-found"),
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    api: Api
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        ids = query["ids"][0].split(",")
        assert address.path == "/2/tweets"
        assert len(ids) <= 100
        self.api.asked.append(ids)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.reply(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
        elif self.api.troubles:
            self.api.troubles.pop(0)(self)
        else:
            self.reply(200, self.api.answer(ids))

    def reply(self, status: int, body: Any, headers: dict[str, str] | None = None, cut: int = 0) -> None:
        """Send an answer, the last `cut` bytes of it missing."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) - cut])
        self.close_connection = cut > 0

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


def rate_limited(seconds: int, **more_headers: str) -> Trouble:
    """Refuse a request until a time from now on, in seconds; underscores in the names of headers become hyphens."""
    headers = {"x-rate-limit-limit": "300", "x-rate-limit-remaining": "0"}
    headers |= {name.replace("_", "-"): value for name, value in more_headers.items()}
    body = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}

    def trouble(handler: Handler) -> None:
        handler.reply(429, body, headers | {"x-rate-limit-reset": str(int(time.time()) + seconds)})

    return trouble


def used_up(handler: Handler) -> None:
    body = {"title": "UsageCapExceeded", "period": "Monthly", "scope": "Product", "type": PROBLEM + "usage-capped"}
    handler.reply(429, body)


def used_up_with_a_reset(handler: Handler) -> None:
    body = {"title": "UsageCapExceeded", "period": "Monthly", "scope": "Product", "type": PROBLEM + "usage-capped"}
    headers = {"x-rate-limit-remaining": "299", "x-rate-limit-reset": str(int(time.time()) + 4)}
    handler.reply(429, body, headers)


def refusing(*refused: str) -> Trouble:
    """Refuse a request because of some of its ids, which the answer names."""

    def trouble(handler: Handler) -> None:
        ids = ",".join(handler.api.asked[-1])
        errors = [
            {"parameters": {"ids": [ids]}, "message": f"The `ids` query parameter value [{each}] is not valid"}
            for each in refused
        ]
        detail = "One or more parameters to your request was invalid."
        handler.reply(400, {"errors": errors, "title": "Invalid Request", "detail": detail})

    return trouble


def unavailable(handler: Handler) -> None:
    handler.reply(503, {"title": "Service Unavailable", "detail": "Service Unavailable", "status": 503})


def cut_in_the_middle(handler: Handler) -> None:
    handler.reply(200, handler.api.answer(handler.api.asked[-1]), cut=10)


def not_json(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "6")
    handler.end_headers()
    handler.wfile.write(b"<html>")


@contextmanager
def served(api: Api) -> Iterator[Api]:
    """Serve on a free port for as long as the context lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"api": api})) as server:
        api.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="x-api")
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
