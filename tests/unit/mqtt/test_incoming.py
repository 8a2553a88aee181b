"""The queue of messages that nobody has taken yet."""

import asyncio

from stream.mqtt.incoming import IncomingMessages
from stream.mqtt.packets import Message


class Queue:
    """A queue, and what it does with the network."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.messages = IncomingMessages(lambda: self.calls.append("pause"), lambda: self.calls.append("resume"))

    def put(self, count: int) -> None:
        for number in range(count):
            self.messages.put(Message("t", b"%d" % number))

    async def take(self, count: int) -> list[bytes]:
        return [message.payload for _ in range(count) if (message := await self.messages.get())]


async def test_reading_is_paused_at_1024_messages_and_resumed_at_512() -> None:
    queue = Queue()
    queue.put(1023)
    assert queue.calls == []
    queue.put(1)
    assert queue.calls == ["pause"]
    await queue.take(511)
    assert queue.calls == ["pause"]
    await queue.take(1)
    assert queue.calls == ["pause", "resume"]
    await queue.take(512)
    assert queue.calls == ["pause", "resume"]


async def test_messages_are_taken_in_order() -> None:
    queue = Queue()
    queue.put(3)
    assert len(queue.messages) == 3
    assert await queue.take(3) == [b"0", b"1", b"2"]
    assert len(queue.messages) == 0


async def test_who_waits_gets_the_next_message() -> None:
    queue = Queue()
    waiting = asyncio.create_task(queue.take(2))
    for _ in range(2):
        await asyncio.sleep(0)
        queue.put(1)
    assert await waiting == [b"0", b"0"]


async def test_after_the_end_the_messages_that_wait_are_taken_and_then_none() -> None:
    queue = Queue()
    queue.put(2)
    queue.messages.end()
    assert await queue.take(2) == [b"0", b"1"]
    assert await queue.messages.get() is None
    assert await queue.messages.get() is None


async def test_the_end_wakes_who_waits() -> None:
    queue = Queue()
    waiting = asyncio.create_task(queue.messages.get())
    await asyncio.sleep(0)
    queue.messages.end()
    assert await waiting is None
