"""The firmware's headers, compiled for this machine, compared with Python's arithmetic."""

import binascii
import ctypes
import shutil
import subprocess
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.power.frames import CODE_MAX, WINDOW_MAX, ZERO_SCALE, Sample, parse

HERE = Path(__file__).parent
UINT16 = st.integers(0, 2**16 - 1)
UINT32 = st.integers(0, 2**32 - 1)
CODES = st.integers(0, CODE_MAX)


class Sums(ctypes.Structure):
    _fields_ = [("n", ctypes.c_uint16), ("sum", ctypes.c_uint32), ("squares", ctypes.c_uint32)]


class Command(ctypes.Structure):
    _fields_ = [("letter", ctypes.c_char), ("has_value", ctypes.c_bool), ("value", ctypes.c_uint16)]


@pytest.fixture(scope="session")
def arithmetic(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: apt-get install g++")
    library = tmp_path_factory.mktemp("firmware") / "host.so"
    warnings = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", "-std=gnu++11", *warnings, "-shared", "-fPIC", HERE / "host.cpp", "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.sums_of.restype = Sums
    loaded.command_of.restype = Command
    for name in ("zero_is_plausible", "window_is_possible"):
        getattr(loaded, name).restype = ctypes.c_bool
    for name in ("checksum_of", "zero_of", "supply_of"):
        getattr(loaded, name).restype = ctypes.c_uint16
    loaded.windows_of_a_tare.argtypes = [Sums]
    loaded.zero_of.argtypes = [ctypes.c_uint32, ctypes.c_uint32]
    loaded.line_of.argtypes = [ctypes.c_char, ctypes.c_void_p, ctypes.c_uint, ctypes.c_char_p]
    return loaded


def line_of(arithmetic: ctypes.CDLL, kind: bytes, fields: list[int]) -> bytes:
    text = ctypes.create_string_buffer(100)
    arithmetic.line_of(kind, (ctypes.c_uint32 * len(fields))(*fields), len(fields), text)
    return text.value


def sums_of(arithmetic: ctypes.CDLL, codes: list[int]) -> Sums:
    sums: Sums = arithmetic.sums_of((ctypes.c_uint16 * len(codes))(*codes), len(codes))
    return sums


def test_the_checksum_matches_the_crc_catalogue(arithmetic: ctypes.CDLL) -> None:
    assert arithmetic.checksum_of(b"123456789", 9) == 0x29B1


@given(st.binary(max_size=80))
def test_the_checksum_equals_pythons(arithmetic: ctypes.CDLL, data: bytes) -> None:
    assert arithmetic.checksum_of(data, len(data)) == binascii.crc_hqx(data, 0xFFFF)


@given(sequence=UINT32, codes=st.lists(CODES, min_size=2, max_size=40), supply=UINT16)
def test_a_line_of_the_firmware_is_parsed_by_the_reader(
    arithmetic: ctypes.CDLL, sequence: int, codes: list[int], supply: int
) -> None:
    sums = sums_of(arithmetic, codes)
    fields = [sequence, sums.n + 64, sums.n, sums.sum, sums.squares, supply]
    line = line_of(arithmetic, b"S", fields)
    assert parse(line.rstrip(b"\n")) == Sample(*fields)


def test_the_longest_frame_fits_its_line(arithmetic: ctypes.CDLL) -> None:
    n, top = WINDOW_MAX, CODE_MAX
    line = line_of(arithmetic, b"S", [2**32 - 1, n + 64, n, n * top, n * top * top, 2**16 - 1])
    assert line.endswith(b"\n")
    assert parse(line.rstrip(b"\n")) == Sample(2**32 - 1, n + 64, n, n * top, n * top * top, 2**16 - 1)


@given(st.lists(CODES, max_size=200))
def test_sums_are_exact(arithmetic: ctypes.CDLL, codes: list[int]) -> None:
    sums = sums_of(arithmetic, codes)
    assert (sums.n, sums.sum, sums.squares) == (len(codes), sum(codes), sum(code * code for code in codes))


def test_the_sum_of_squares_of_the_longest_window_at_full_scale_does_not_overflow(arithmetic: ctypes.CDLL) -> None:
    assert sums_of(arithmetic, [CODE_MAX] * WINDOW_MAX).squares == WINDOW_MAX * CODE_MAX**2


@given(st.lists(CODES, min_size=1, max_size=64))
def test_the_zero_is_the_mean_code_in_64ths(arithmetic: ctypes.CDLL, codes: list[int]) -> None:
    zero = arithmetic.zero_of(sum(codes), len(codes))
    assert abs(zero / ZERO_SCALE - fmean(codes)) <= 0.5 / ZERO_SCALE


def test_the_zero_of_the_longest_tare_at_full_scale_does_not_overflow(arithmetic: ctypes.CDLL) -> None:
    n = 16 * WINDOW_MAX
    assert arithmetic.zero_of(n * CODE_MAX, n) == CODE_MAX * ZERO_SCALE
    assert arithmetic.zero_of(n * CODE_MAX - 1, n) == CODE_MAX * ZERO_SCALE


def test_a_tare_takes_sixteen_windows(arithmetic: ctypes.CDLL) -> None:
    assert arithmetic.windows_of_a_tare(Sums(1923, 1923 * 512, 1923 * 512**2)) == 16


@pytest.mark.parametrize(("zero", "plausible"), [(0, False), (479, False), (480, True), (544, True), (545, False)])
def test_a_zero_far_from_half_the_supply_is_refused(arithmetic: ctypes.CDLL, zero: int, *, plausible: bool) -> None:
    assert arithmetic.zero_is_plausible(zero * ZERO_SCALE) is plausible


@given(st.integers(32, 2**16 - 1))
def test_the_supply_is_computed_from_the_bandgap(arithmetic: ctypes.CDLL, bandgap_sum: int) -> None:
    expected = min(1100 * 1024 * 32 / bandgap_sum, 2**16 - 1)
    assert abs(arithmetic.supply_of(bandgap_sum) - expected) <= 0.5


def test_an_unmeasured_supply_is_zero(arithmetic: ctypes.CDLL) -> None:
    assert arithmetic.supply_of(0) == 0


@pytest.mark.parametrize(("length", "possible"), [(239, False), (240, True), (WINDOW_MAX, True), (4001, False)])
def test_the_window_length_is_limited(arithmetic: ctypes.CDLL, length: int, *, possible: bool) -> None:
    assert arithmetic.window_is_possible(length) is possible


@given(letter=st.sampled_from("IWTVX"), value=UINT16, end=st.sampled_from([b"", b"\r"]))
def test_a_command_is_a_letter_and_a_number(arithmetic: ctypes.CDLL, letter: str, value: int, end: bytes) -> None:
    command = arithmetic.command_of(f"{letter}{value}".encode() + end)
    assert (command.letter, command.has_value, command.value) == (letter.encode(), True, value)


def test_a_command_can_omit_the_number(arithmetic: ctypes.CDLL) -> None:
    command = arithmetic.command_of(b"T\r")
    assert (command.letter, command.has_value) == (b"T", False)


@pytest.mark.parametrize("line", [b"", b"i", b"5", b"W-1", b"W65536", b"W99999999999", b"V 20", b"\xff\xff"])
def test_an_invalid_command_is_recognised(arithmetic: ctypes.CDLL, line: bytes) -> None:
    assert arithmetic.command_of(line).letter == b"?"
