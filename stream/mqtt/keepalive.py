"""The keepalive: asks a silent broker whether it is still there (MQTT 5 and 3.1.1, 3.12)."""

import asyncio
from collections.abc import Callable

from stream.mqtt.encoding import PING_REQUEST
from stream.mqtt.packet_stream import PacketStream


class Keepalive:
    """The timer of one connection.

    Any received byte shows that the broker is alive, for the answer to a ping may stand behind thousands of messages.
    While reading is paused nothing is concluded from silence; pings are sent all the same, so that the broker does not
    take us for dead.

    Args:
        stream: The connection's packets.
        interval_seconds: The silence, in either direction, after which a ping is sent; and the time for an answer.
        on_silence: Called when the broker did not answer; the timer ends then.
    """

    def __init__(self, stream: PacketStream, interval_seconds: float, on_silence: Callable[[], None]) -> None:
        self._stream = stream
        self._interval_seconds = interval_seconds
        self._on_silence = on_silence
        self._loop = asyncio.get_running_loop()
        self._asked_at: float | None = None
        """Time of the last ping if nothing has been received since, else None."""
        self._timer = self._loop.call_later(interval_seconds, self._check)

    def stop(self) -> None:
        """End the timer."""
        self._timer.cancel()

    def _check(self) -> None:
        now, stream = self._loop.time(), self._stream
        if stream.paused or (self._asked_at is not None and stream.received_at >= self._asked_at):
            self._asked_at = None
        if self._asked_at is None:
            if now >= self._silent_since() + self._interval_seconds:
                stream.send(PING_REQUEST)
                self._asked_at = None if stream.paused else now
                next_check = now + self._interval_seconds
            else:
                next_check = self._silent_since() + self._interval_seconds
        elif now >= self._asked_at + self._interval_seconds:
            self._on_silence()
            return
        else:
            next_check = self._asked_at + self._interval_seconds
        self._timer = self._loop.call_at(next_check, self._check)

    def _silent_since(self) -> float:
        """Return the time of the last use of the direction that has been silent for longer."""
        stream = self._stream
        return stream.sent_at if stream.paused else min(stream.sent_at, stream.received_at)
