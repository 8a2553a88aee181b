"""The trace of a tweet, which its label, its rejection and its replies carry on (W3C Trace Context).

https://www.w3.org/TR/trace-context/ and https://w3c.github.io/trace-context-mqtt/: user properties `traceparent` and
`tracestate`. They are passed on as they are: a node is not a span of the trace.
"""

import re
from collections.abc import Iterable
from typing import Final

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_MEMBER = re.compile(
    r"([a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]",
    re.ASCII,
)
_MOST_MEMBERS = 32
_INVALID_VERSION = "ff"
_SAMPLED = 0x01


def trace_of(user_properties: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the user properties that carry the trace on; none where there is no valid `traceparent`.

    An invalid `tracestate` is left out, as the standard says.
    """
    parents = [value for name, value in user_properties if name == TRACEPARENT]
    if len(parents) != 1 or (parent := _parent(parents[0])) is None:
        return ()
    states = [value for name, value in user_properties if name == TRACESTATE]
    state = _state(",".join(states)) if states else ""
    return ((TRACEPARENT, parent), (TRACESTATE, state)) if state else ((TRACEPARENT, parent),)


def _parent(value: str) -> str | None:
    """Return a valid `traceparent`; one of a later version in the form of version 00."""
    found = _PARENT.fullmatch(value)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == _INVALID_VERSION or not trace.strip("0") or not span.strip("0"):
        return None
    if version == "00":
        return None if more else value
    return f"00-{trace}-{span}-{int(flags, 16) & _SAMPLED:02x}"


def _state(value: str) -> str:
    """Return a valid `tracestate`, without empty members; an empty one in place of an invalid one."""
    members = [member.strip(" \t") for member in value.split(",")]
    members = [member for member in members if member]
    keys = {member.partition("=")[0] for member in members}
    valid = len(members) == len(keys) <= _MOST_MEMBERS and all(map(_MEMBER.fullmatch, members))
    return ",".join(members) if valid else ""
