"""The shipped firmware, run by simavr, tested over its serial port."""

import subprocess
from pathlib import Path

import pytest

from stream.errors import MeterError
from stream.power.frames import Answer, Identity, Refusal, Sample
from stream.power.link import MeterLink, open_meter
from stream.power.simulator import FIRMWARE, simulated_uno
from tests.firmware.conftest import build

FAST = ("--fast",)
ARDUINO_CORE = Path("/usr/share/arduino/hardware/arduino/avr/cores/arduino/main.cpp")


async def samples(meter: MeterLink, count: int) -> list[Sample]:
    taken: list[Sample] = []
    while len(taken) < count:
        if isinstance(frame := await meter.receive(), Sample):
            taken.append(frame)
    return taken


async def test_a_constant_current_is_a_constant_code(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.0}, options=FAST) as uno, open_meter(uno.port) as meter:
        for sample in await samples(meter, 5):
            code = round(512 + 1024 / 5 * 0.185)
            assert (sample.n, sample.code_sum, sample.square_sum) == (1923, 1923 * code, 1923 * code**2)
            assert sample.period == 1923 + 64


async def test_windows_are_numbered_consecutively(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        assert [sample.sequence for sample in await samples(meter, 5)] == [0, 1, 2, 3, 4]


async def test_the_supply_is_measured_against_the_bandgap(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"vcc": 4.7}, options=FAST) as uno, open_meter(uno.port) as meter:
        (sample,) = await samples(meter, 1)
        code = round(1.1 / 4.7 * 1024)
        assert sample.supply_millivolts == round(1100 * 1024 / code)


@pytest.mark.parametrize("amperes", [100, -100])
async def test_a_current_beyond_the_range_stays_within_the_codes(simulator: Path, amperes: float) -> None:
    async with (
        simulated_uno(simulator, signals={"amperes": amperes}, options=FAST) as uno,
        open_meter(uno.port) as meter,
    ):
        (sample,) = await samples(meter, 1)
        assert sample.code_sum == (1923 * 1023 if amperes > 0 else 0)


async def test_the_meter_identifies_itself(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        assert await meter.identify() == Identity(variant=5, zero=None, window=1923)


async def test_each_setting_is_acknowledged_and_reported(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        assert await meter.ask("V20") == Answer("V", 20)
        assert await meter.ask("W480") == Answer("W", 480)
        assert await meter.ask("T33000") == Answer("T", 33000)
        assert await meter.identify() == Identity(variant=20, zero=33000 / 64, window=480)


async def test_the_window_has_the_requested_length(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        await meter.ask("W240")
        assert (await samples(meter, 3))[-1].n == 240


async def test_no_window_is_lost_at_the_shortest_length(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        await meter.ask("W240")
        sequences = [sample.sequence for sample in await samples(meter, 100)]
        assert sequences == list(range(sequences[0], sequences[0] + 100))


@pytest.mark.parametrize("command", ["W239", "W4001", "V6", "T64000", "W", "V", "I5", "X"])
async def test_an_invalid_value_is_refused_and_changes_nothing(simulator: Path, command: str) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        before = await meter.identify()
        with pytest.raises(MeterError, match=f"refuses '{command}'"):
            await meter.ask(command)
        assert await meter.identify() == before


@pytest.mark.parametrize("line", ["x", "12", "W123456789012345"])
async def test_an_unknown_command_is_refused_with_a_question_mark(simulator: Path, line: str) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        meter.send(line)
        while not isinstance(frame := await meter.receive(), Refusal):
            pass
        assert frame == Refusal("?", "command")


async def test_the_tare_is_the_mean_code(simulator: Path) -> None:
    signals = {"offset": 0.04, "noise": 0.0035}
    async with simulated_uno(simulator, signals=signals, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        zero = (await meter.ask("T")).value / 64
        assert zero == pytest.approx(512 + 0.04 / 5 * 1024, abs=0.05)


async def test_a_load_is_refused_as_zero(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.2}, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        with pytest.raises(MeterError, match="range"):
            await meter.ask("T")
        assert (await meter.identify()).zero is None


async def test_a_tare_can_be_deleted(simulator: Path) -> None:
    async with simulated_uno(simulator, options=FAST) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        await meter.ask("T33000")
        await meter.ask("T0")
        assert (await meter.identify()).zero is None


async def test_settings_survive_a_power_cycle(simulator: Path, tmp_path: Path) -> None:
    options = (*FAST, "--eeprom", str(tmp_path / "eeprom"))
    async with simulated_uno(simulator, options=options) as uno, open_meter(uno.port) as meter:
        await meter.identify()
        await meter.ask("T33000")
        await meter.ask("V30")
    async with simulated_uno(simulator, options=options) as uno, open_meter(uno.port) as meter:
        assert await meter.identify() == Identity(variant=30, zero=33000 / 64, window=1923)


async def test_damaged_settings_are_ignored(simulator: Path, tmp_path: Path) -> None:
    (tmp_path / "eeprom").write_bytes(bytes(range(16)))
    options = (*FAST, "--eeprom", str(tmp_path / "eeprom"))
    async with simulated_uno(simulator, options=options) as uno, open_meter(uno.port) as meter:
        assert await meter.identify() == Identity(variant=5, zero=None, window=1923)


async def test_a_stopped_converter_makes_the_watchdog_reset_the_uno(simulator: Path) -> None:
    stuck = [(1.0, "stuck", 1.0)]
    async with simulated_uno(simulator, changes=stuck, options=FAST) as uno, open_meter(uno.port) as meter:
        sequences = [sample.sequence for sample in await samples(meter, 8)]
        assert sequences == [0, 1, 2, 3, 0, 1, 2, 3]


async def test_the_sequence_overflows_to_zero_and_measuring_continues(tmp_path: Path) -> None:
    folder = build(tmp_path, "-DFIRST_SEQUENCE=4294967294")
    async with simulated_uno(folder, options=FAST) as uno, open_meter(uno.port) as meter:
        assert [sample.sequence for sample in await samples(meter, 4)] == [2**32 - 2, 2**32 - 1, 0, 1]


@pytest.fixture
def arduino_build(tmp_path: Path) -> Path:
    build(tmp_path)
    if not ARDUINO_CORE.exists():
        pytest.skip("the IDE's build is not tried: apt-get install arduino-core-avr")
    subprocess.run(["make", "-C", FIRMWARE, "arduino", f"BUILD={tmp_path}"], check=True, capture_output=True)
    return tmp_path


async def test_the_arduino_ide_build_behaves_the_same(arduino_build: Path) -> None:
    uno_with_core = simulated_uno(arduino_build, signals={"amperes": 1.0}, options=FAST, elf="arduino.elf")
    async with uno_with_core as uno, open_meter(uno.port) as meter:
        assert await meter.identify() == Identity(variant=5, zero=None, window=1923)
        assert (await samples(meter, 1))[0].code_sum == 1923 * round(512 + 1024 / 5 * 0.185)


def test_the_firmware_fits_on_the_uno_with_reserve(simulator: Path) -> None:
    sizes = subprocess.run(["avr-size", simulator / "starling_meter.elf"], capture_output=True, text=True, check=True)
    text, data, bss = map(int, sizes.stdout.splitlines()[1].split()[:3])
    assert text + data < 32256 / 4
    assert data + bss < 2048 / 4


def test_the_firmware_uses_neither_floating_point_nor_the_heap(simulator: Path) -> None:
    symbols = subprocess.run(
        ["avr-nm", simulator / "starling_meter.elf"], capture_output=True, text=True, check=True
    ).stdout
    for symbol in ("malloc", "__addsf3", "__mulsf3", "__divsf3", "__floatunsisf"):
        assert symbol not in symbols
