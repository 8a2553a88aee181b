"""Parsing of the meter's lines, rejection of invalid ones, and resynchronisation."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.power.frames import (
    CODE_MAX,
    WINDOW_MAX,
    Answer,
    Frame,
    FrameReader,
    Identity,
    Refusal,
    Rejection,
    Sample,
)
from tests.power.examples import line, sample, sample_line

GOOD = sample_line(sample(7))


def read(data: bytes, *, after_first_line: bool = True) -> tuple[list[Frame], Counter[Rejection]]:
    rejected: Counter[Rejection] = Counter()
    reader = FrameReader(lambda reason: rejected.update([reason]))
    if after_first_line:
        list(reader.feed(b"\n"))
    return list(reader.feed(data)), rejected


def samples() -> st.SearchStrategy[Sample]:
    return st.builds(
        lambda sequence, codes, supply: Sample(
            sequence, len(codes) + 64, len(codes), sum(codes), sum(code * code for code in codes), supply
        ),
        st.integers(0, 2**32 - 1),
        st.lists(st.integers(0, CODE_MAX), min_size=2, max_size=50),
        st.integers(0, 2**16 - 1),
    )


@given(samples())
def test_every_valid_sample_is_parsed(measured: Sample) -> None:
    assert read(sample_line(measured)) == ([measured], Counter())


@pytest.mark.parametrize(
    ("payload", "frame"),
    [
        ("I1,starling-meter,5,0,1923", Identity(5, None, 1923)),
        ("I1,starling-meter,20,33000,480", Identity(20, 33000 / 64, 480)),
        ("W1,480", Answer("W", 480)),
        ("V1,30", Answer("V", 30)),
        ("T1,32800", Answer("T", 32800)),
        ("E1,T,range", Refusal("T", "range")),
        ("E1,?,command", Refusal("?", "command")),
    ],
)
def test_every_other_valid_line_is_parsed(payload: str, frame: Frame) -> None:
    assert read(line(payload)) == ([frame], Counter())


@given(st.lists(samples(), min_size=1, max_size=5), st.integers(1, 40))
def test_frames_are_parsed_independently_of_chunk_boundaries(measured: list[Sample], size: int) -> None:
    data = b"".join(map(sample_line, measured))
    reader = FrameReader(pytest.fail)
    frames = [frame for start in range(0, len(data), size) for frame in reader.feed(data[start : start + size])]
    assert frames == measured


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n", Rejection.MALFORMED),
        (GOOD[1:], Rejection.MALFORMED),
        (GOOD[:10] + b"\n", Rejection.MALFORMED),
        (GOOD.replace(b"*", b"+"), Rejection.MALFORMED),
        (GOOD.replace(b"5006", b"5007"), Rejection.CHECKSUM),
        (GOOD.replace(b"1923", b"1924", 1), Rejection.CHECKSUM),
        (line("S1,7,1987,1923"), Rejection.MALFORMED),
        (line("S1,07,1987,1923,984576,504102912,5006"), Rejection.MALFORMED),
        (line("S1,a,1987,1923,984576,504102912,5006"), Rejection.MALFORMED),
        (line("Q1,7"), Rejection.MALFORMED),
        (line("I1,other-meter,5,0,1923"), Rejection.MALFORMED),
        (line("S2,7,1987,1923,984576,504102912,5006"), Rejection.VERSION),
        (b"x" * 100 + b"\n", Rejection.TOO_LONG),
    ],
)
def test_an_invalid_line_is_counted_by_reason(data: bytes, reason: Rejection) -> None:
    assert read(data) == ([], Counter([reason]))


@pytest.mark.parametrize(
    "payload",
    [
        "S1,4294967296,1987,1923,984576,504102912,5006",  # more than 32 bits
        "S1,7,1922,1923,984576,504102912,5006",  # a period shorter than its window
        f"S1,7,5000,{WINDOW_MAX + 1},984576,504102912,5006",
        "S1,7,65,1,512,262144,5006",  # no variance of a single conversion
        "S1,7,1987,1923,1967230,2012475267,5006",  # a mean above 1023
        "S1,7,1987,1923,984576,504102911,5006",  # a negative variance
        "S1,7,1987,1923,984576,1007221249,5006",  # more variance than codes up to 1023 can have
        "S1,7,1987,1923,984576,504102912,65536",
    ],
)
def test_impossible_sums_are_rejected_despite_a_valid_checksum(payload: str) -> None:
    assert read(line(payload)) == ([], Counter([Rejection.IMPOSSIBLE]))


def test_an_incomplete_frame_is_counted_and_the_next_one_is_parsed() -> None:
    assert read(GOOD[:20] + GOOD) == ([sample(7)], Counter([Rejection.MALFORMED]))


def test_an_incomplete_first_line_is_not_counted() -> None:
    assert read(GOOD[20:] + GOOD, after_first_line=False) == ([sample(7)], Counter())


def test_a_complete_first_frame_is_parsed() -> None:
    assert read(GOOD, after_first_line=False) == ([sample(7)], Counter())


@given(st.binary(max_size=300))
def test_a_valid_frame_after_garbage_is_parsed(garbage: bytes) -> None:
    frames, _ = read(garbage + GOOD)
    assert frames[-1] == sample(7)


@given(st.binary(max_size=300))
def test_a_valid_frame_after_garbage_is_parsed_byte_by_byte(garbage: bytes) -> None:
    reader = FrameReader(lambda _: None)
    frames = [frame for byte in garbage + GOOD for frame in reader.feed(bytes([byte]))]
    assert frames[-1] == sample(7)


@given(position=st.integers(0, len(GOOD) - 2), bit=st.integers(0, 7))
def test_every_single_bit_error_is_detected(position: int, bit: int) -> None:
    damaged = bytearray(GOOD)
    damaged[position] ^= 1 << bit
    frames, rejected = read(bytes(damaged) + b"\n")
    assert frames == []
    assert rejected.total() >= 1


def test_input_without_a_newline_does_not_grow_the_buffer() -> None:
    reader = FrameReader(lambda _: None)
    for _ in range(1000):
        list(reader.feed(b"x" * 1000))
    assert len(reader.rest) <= 64


def test_damaged_lines_yield_no_false_frames() -> None:
    """Lines with a few errors, as on a serial line, and random lines."""
    chance = random.Random(20)
    sent = [sample_line(sample(number, chance.randrange(CODE_MAX))) for number in range(20_000)]
    data = bytearray()
    intact = set()
    for number, good in enumerate(sent):
        damaged = bytearray(good)
        for _ in range(chance.choice((0, 1, 2, 3, 8))):
            damaged[chance.randrange(len(good))] = chance.choice(b"0123456789,*ABCDEF$SIT\n\xff")
        if damaged == good:
            intact.add(number)
        data += damaged
    data += chance.randbytes(100_000) + b"\n"
    frames, rejected = read(bytes(data))
    assert len(data) > 1_000_000
    assert {frame.sequence for frame in frames if isinstance(frame, Sample)} >= intact
    assert len(frames) - len(intact) <= 1  # 16,000 damaged lines, of which the CRC lets one in 65,536 through
    assert rejected[Rejection.CHECKSUM] > 5000
