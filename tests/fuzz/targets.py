"""Fuzzing targets: each accepts any bytes, as an attacker could send them, and asserts what must hold for all of them.

A target raises for a finding: an AssertionError, or whatever the code under test should not have raised.
"""

import io
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import orjson
import regex

from stream.commands.watch import Viewer
from stream.errors import InputError
from stream.model.bundle import SHIPPED_BUNDLE, Bundle, load_bundle
from stream.model.tokenizer import Tokenizer
from stream.mqtt.decoding import (
    read_connect_answer,
    read_disconnection,
    read_publish,
    read_publish_answer,
    read_subscribe_answer,
)
from stream.mqtt.packets import PUBLISH, MalformedPacketError, Message, Packet
from stream.mqtt.splitter import Splitter
from stream.power.frames import Frame, FrameReader, Rejection, checksum
from stream.settings import LimitSettings, Settings
from stream.tweets.cleaning import Cleaner, paper, placeholders
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label, LabelEncoder
from stream.tweets.reader import read_records
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.source import Source
from stream.tweets.tweet import Tweet

CORPUS = Path(__file__).parent / "corpus"
_LIMITS = LimitSettings(payload_bytes=4000, text_characters=1000)
_CLEANINGS: tuple[Cleaner, ...] = (placeholders, paper)
_TOPICS = ("tweets/polarity", "tweets/rejected", "tweets/in", "starling/pi/status", "starling/pi/energy")


def tweet(payload: bytes) -> None:
    """Decode a message and write its label or its rejection."""
    try:
        decoded = decode_tweet(payload, _LIMITS)
    except RejectedTweetError as rejected:
        _can_be_written(rejected, payload)
        return
    assert 0 < len(decoded.id) <= 128
    assert 0 < len(decoded.text) <= _LIMITS.text_characters
    assert len(decoded.entity or "") <= 256
    assert len(decoded.lang or "") <= 256
    _is_cleaned_and_tokenised(decoded.text)
    label = orjson.loads(_encoder().label(_label_of(decoded), 0.0, 0.0))
    assert (label["id"], label["text"], label.get("entity")) == (decoded.id, decoded.text, decoded.entity)


def text(data: bytes) -> None:
    """Clean and tokenise any string, including lone surrogates."""
    _is_cleaned_and_tokenised(data.decode("utf-8", "surrogatepass" if _is_wtf8(data) else "replace"))


def packet(data: bytes) -> None:
    """The properties around a tweet: the first byte is the quality of service, the rest what stands in the packet."""
    qos = data[0] & 1 if data else 0
    properties, payload = data[1:200], data[200:]
    head = b"\x00\x09tweets/in" + (b"\x00\x07" if qos else b"")
    length = bytes([len(properties) & 0x7F | 0x80, len(properties) >> 7])
    message = read_publish(
        Packet(bytes([PUBLISH | qos << 1]) + head + length + properties + payload, 1), version_5=True
    )
    assert (message.topic, message.payload, message.qos) == ("tweets/in", payload, qos)
    assert message.response_topic is None or message.response_topic


def stream(data: bytes) -> None:
    """What a broker sends: the same packets however the first byte cuts it, and each a message or no MQTT."""
    cut, data = data[0] if data else 0, data[1:]
    try:
        packets = _split(data)
    except MalformedPacketError:
        return
    assert packets == _split(data[:cut], data[cut:])
    for found in packets:
        with suppress(MalformedPacketError):
            assert found.raw.endswith(read_publish(found, version_5=bool(cut & 1)).payload)
        with suppress(MalformedPacketError):
            read_publish_answer(found)
        for read in (read_connect_answer, read_subscribe_answer):
            with suppress(MalformedPacketError):
                read(found, version_5=bool(cut & 1))
        with suppress(MalformedPacketError):
            read_disconnection(found)


def _split(*parts: bytes) -> list[Packet]:
    splitter = Splitter()
    packets: list[Packet] = []
    for part in parts:
        splitter.feed(part)
        packets += splitter
    return packets


def watch(data: bytes) -> None:
    """Show a message in `starling watch`; the first byte selects its topic."""
    topic = _TOPICS[data[0] % len(_TOPICS) if data else 0]
    viewer = _viewer()
    viewer.energy_shown.clear()
    message = Message(topic, data[1:])
    viewer.show(message)
    viewer.show_json(message)


def frames(data: bytes) -> None:
    """Parse bytes of the serial line: frames and rejections do not depend on chunk boundaries."""
    for sent in (data, _with_checksums(data)):
        assert _frames_of([sent]) == _frames_of([sent[place : place + 1] for place in range(len(sent))])


def file(content: bytes) -> None:
    """Read a file of tweets: each record is bytes or a rejection, or the file is refused."""
    try:
        records = list(read_records(Source("file", io.BytesIO(content))))
    except InputError:
        return
    for record in records:
        assert record  # a file never pauses
        assert isinstance(record.content, bytes | RejectedTweetError)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (tweet, text, file, packet, stream, watch, frames)
}


def _can_be_written(rejected: RejectedTweetError, payload: bytes) -> None:
    rejection = orjson.loads(_encoder().rejection(rejected, payload, 0.0))
    assert (rejection["reason"], rejection["payload_bytes"]) == (rejected.reason, len(payload))


def _is_cleaned_and_tokenised(any_text: str) -> None:
    for clean in _CLEANINGS:
        cleaned = clean(any_text)
        assert clean(cleaned) == cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert not regex.search(r"\p{Cc}|\p{Cs}|\p{M}{31}", cleaned)
        tokens = _tokenizer().encode(cleaned)
        assert 2 <= len(tokens.ids) <= _bundle().manifest.max_tokens


def _is_wtf8(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _label_of(decoded: Tweet) -> Label:
    return Label(decoded, "neutral", {"negative": 0.25, "neutral": 0.5, "positive": 0.25})


def _with_checksums(data: bytes) -> bytes:
    """Return the lines with valid checksums, which a fuzzer would not find."""
    return b"".join(b"$%b*%04X\n" % (line, checksum(line)) for line in data.split(b"\n"))


def _frames_of(pieces: list[bytes]) -> tuple[list[Frame], list[Rejection]]:
    rejected: list[Rejection] = []
    reader = FrameReader(rejected.append)
    return [frame for piece in pieces for frame in reader.feed(piece)], rejected


@cache
def _bundle() -> Bundle:
    return load_bundle(SHIPPED_BUNDLE)


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer(_bundle())


@cache
def _encoder() -> LabelEncoder:
    return LabelEncoder("pi", _bundle().identity, include_text=True)


@cache
def _viewer() -> Viewer:
    return Viewer(Settings(node="pi"))
