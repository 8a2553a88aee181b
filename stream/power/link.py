"""Open serial port of a meter: receives frames, sends commands and waits for their answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import serial
import serial_asyncio_fast

from stream.errors import MeterError
from stream.power.frames import Answer, Frame, FrameReader, Identity, Refusal, Rejection
from stream.power.ports import port_path

BAUD = 38400
_SILENCE_SECONDS = 5.0
"""The longest window is 0.4 s, and the Uno's boot loader runs for 2 s after the port is opened."""
_ASK_AGAIN_SECONDS = 1.0
_ANSWER_SECONDS = 12.0
"""A tare averages sixteen windows, up to 7 s."""
_READ_BYTES = 4096
_UNPLUGGED = "the meter was disconnected"


class MeterLink:
    """A meter behind an open port.

    Args:
        port: The port's name for errors.
        reader: Reader of the port.
        writer: Writer of the port.
        rejected: Called with the reason for each invalid line.
        pause_seconds: Pause after each read, in which the kernel buffers the input.
    """

    def __init__(
        self,
        port: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rejected: Callable[[Rejection], None],
        pause_seconds: float,
    ) -> None:
        self.port = port
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader(rejected)
        self._pause_seconds = pause_seconds
        self._received: deque[Frame] = deque()

    async def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            MeterError: The port is gone, or nothing was received for five seconds.
        """
        while not self._received:
            try:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    data = await self._reader.read(_READ_BYTES)
            except TimeoutError as error:
                raise MeterError(
                    f"{self.port}: no data received; check that it is the meter and has our firmware (`make flash`)"
                ) from error
            except OSError as error:
                raise MeterError(f"{self.port}: {_UNPLUGGED}") from error
            if not data:
                raise MeterError(f"{self.port}: {_UNPLUGGED}")
            self._received.extend(self._frames.feed(data))
            await self._pause()
        return self._received.popleft()

    async def _pause(self) -> None:
        """Let input accumulate: a line arrives in pieces of a few bytes, and each would wake the event loop."""
        transport = self._writer.transport
        if self._pause_seconds and not transport.is_closing():
            assert isinstance(transport, asyncio.ReadTransport)  # noqa: S101  (it reads and writes)
            transport.pause_reading()
            try:
                await asyncio.sleep(self._pause_seconds)
            finally:
                transport.resume_reading()

    async def identify(self) -> Identity:
        """Ask until the meter identifies itself; an Uno resets when its port is opened and then misses commands.

        Raises:
            MeterError: It does not answer.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while True:
                    self.send("I")
                    if identity := await self._identity_soon():
                        return identity
        except TimeoutError as error:
            raise MeterError(f"{self.port}: the device does not answer like Starling's meter") from error

    async def _identity_soon(self) -> Identity | None:
        try:
            async with asyncio.timeout(_ASK_AGAIN_SECONDS):
                while True:
                    frame = await self.receive()
                    if isinstance(frame, Identity):
                        return frame
        except TimeoutError:
            return None

    async def ask(self, command: str) -> Answer:
        """Send a command and wait for its answer; measurements are skipped.

        Raises:
            MeterError: The meter refuses, or does not answer.
        """
        self.send(command)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while True:
                    frame = await self.receive()
                    if isinstance(frame, Refusal) and frame.command == command[0]:
                        raise MeterError(f"{self.port}: the meter refuses '{command}' ({frame.reason})")
                    if isinstance(frame, Answer) and frame.command == command[0]:
                        return frame
        except TimeoutError as error:
            raise MeterError(f"{self.port}: the meter does not answer '{command}'") from error

    def send(self, command: str) -> None:
        """Send a command without waiting for its answer."""
        # The newline before it ends an incomplete command that the meter may have received.
        self._writer.write(f"\n{command}\n".encode("ascii"))


@asynccontextmanager
async def open_meter(
    port: str, rejected: Callable[[Rejection], None] = lambda _: None, pause_seconds: float = 0.0
) -> AsyncIterator[MeterLink]:
    """Open the port while the context is open.

    Args:
        port: A path or a USB id, as in the settings.
        rejected: Called with the reason for each invalid line.
        pause_seconds: Pause after each read, in which the kernel buffers the input.

    Raises:
        MeterError: The port does not exist or cannot be opened.
    """
    path = port_path(port)
    try:
        reader, writer = await serial_asyncio_fast.open_serial_connection(url=path, baudrate=BAUD, exclusive=True)
    except (serial.SerialException, OSError) as error:
        raise MeterError(f"{path}: {_open_failure(error)}") from error
    try:
        yield MeterLink(path, reader, writer, rejected, pause_seconds)
    finally:
        if not writer.transport.is_closing():  # the library raises an error when it is closed twice
            writer.transport.abort()
        with suppress(OSError):  # the error was raised where the port was read
            await writer.wait_closed()


def _open_failure(error: Exception) -> str:
    text = str(error)
    if "ermission" in text:
        return "no permission; add the user to the group dialout"
    if "lock" in text:
        return "another program has it open; stop the service first"
    return f"cannot be opened: {text}"
