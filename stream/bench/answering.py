"""The other side of child.py: answers requests until stdin ends."""

import sys
from collections.abc import Callable
from typing import Any

import orjson

from stream.errors import StarlingError

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def answer_requests(about: dict[str, Any], answer: Answer) -> None:
    """Write what this process is, then answer each line of stdin.

    Args:
        about: The first line, which says that the process is ready.
        answer: What makes an answer of a request; its StarlingErrors become answers too.
    """
    say(about)
    for line in sys.stdin.buffer:
        try:
            say(answer(orjson.loads(line)))
        except StarlingError as error:
            say({"error": str(error)})


def say(message: dict[str, Any]) -> None:
    """Write one line."""
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    sys.stdout.buffer.write(orjson.dumps(message, option=options))
    sys.stdout.buffer.flush()
