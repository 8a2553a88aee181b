"""The child's side of child.py: answers requests until stdin is closed."""

import sys
from collections.abc import Callable
from typing import Any

import orjson

from stream.errors import StarlingError

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def answer_requests(about: dict[str, Any], answer: Answer) -> None:
    """Describe this process, then answer each line of stdin.

    Args:
        about: The first line, which tells the parent that this process is ready.
        answer: Returns the answer to a request; a StarlingError becomes an answer with `error`.
    """
    say(about)
    for line in sys.stdin.buffer:
        try:
            say(answer(orjson.loads(line)))
        except StarlingError as error:
            say({"error": str(error)})


def say(message: dict[str, Any]) -> None:
    """Write a message as one line to stdout."""
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    sys.stdout.buffer.write(orjson.dumps(message, option=options))
    sys.stdout.buffer.flush()
