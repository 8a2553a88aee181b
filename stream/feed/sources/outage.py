"""Positions in streams that have no replay: the time up to which nothing was missed."""

import time

from stream.feed.events import Cursor, Gap


def until_now() -> Cursor:
    """Return the position of a stream that has brought everything up to now."""
    return {"at": round(time.time(), 3)}


def missed(cursor: Cursor | None, covered_seconds: float = 0.0) -> Gap | None:
    """Return the gap since a position; None without one, or where the source sends that time again.

    Args:
        cursor: The position.
        covered_seconds: Time that the source sends again.
    """
    since = None if cursor is None else cursor.get("at")
    if not isinstance(since, int | float):
        return None
    seconds = time.time() - since
    reason = "backfill_too_short" if covered_seconds else "no_replay"
    if seconds < 0:  # the clock was set back meanwhile
        return Gap(reason, None, since)
    return Gap(reason, seconds - covered_seconds, since) if seconds > covered_seconds else None
