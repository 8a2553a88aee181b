"""`starling power …`, and the meter in `demo` and `watch`."""

import asyncio
import csv
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from stream.cli import app
from stream.commands.power import calibrate
from stream.commands.power.show import plot
from stream.commands.watch import Viewer
from stream.mqtt.packets import Message
from stream.power.ports import Port
from stream.power.simulator import missing_packages, simulated_uno
from stream.session.topics import energy_topic
from stream.settings import Settings, load_settings
from tests.integration.program import finished

SUMMARY = {
    "source": "acs712",
    "joules_total": {"value": 50.0, "standard_error": 1.0},
    "watts": {"value": 3.2, "standard_error": 0.1},
    "joules_per_tweet": {
        "tweets": 9,
        "all": {"value": 0.5, "standard_error": 0.02},
        "above_idle": {"value": 0.1, "standard_error": 0.01},
    },
}


async def starling(*arguments: str | Path, typed: str = "") -> Result:
    """Run a command in a thread of this process, since it runs its own event loop."""
    words = [str(argument) for argument in arguments]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, input=typed))


@pytest.fixture(autouse=True)
def short_averages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_AVERAGE_SECONDS", 0.5)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "starling.toml"
    file.write_text('node = "pi"\n', encoding="utf-8")
    return file


async def test_calibrate_writes_gain_and_reference_to_the_settings(simulator: Path, config: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.0, "noise": 0.0035, "bandgap": 1.05}) as uno:
        given = ("--no-ask", "--no-tare", "--amperes", "1.02", "--volts", "5.0")
        result = await starling("power", "calibrate", *given, "--port", uno.port, "--config", config)
    assert result.exit_code == 0, result.output
    settings = load_settings(config)
    assert settings.node == "pi"
    assert settings.power.gain == pytest.approx(1.02, abs=0.005)
    assert settings.power.bandgap_volts == pytest.approx(1.05, abs=0.005)


async def test_calibrate_asks_for_missing_values_and_an_empty_answer_keeps_the_setting(
    simulator: Path, config: Path
) -> None:
    async with simulated_uno(simulator, signals={"offset": 0.02}) as uno:
        result = await starling("power", "calibrate", "--port", uno.port, "--config", config, typed="\n\n\n")
    assert "(simulated)" in result.output
    assert "Disconnect the load" in result.output
    assert "+105.6 mA offset" in result.output  # 20 mV are four counts
    assert load_settings(config) == load_settings(None, {"node": "pi"})


async def test_calibrate_without_a_settings_file_prints_the_values(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.0}) as uno:
        given = ("--no-ask", "--no-tare", "--amperes", "1.0")
        result = await starling("power", "calibrate", *given, "--port", uno.port)
    assert "add this to yours: power.gain = " in result.output


async def test_record_writes_a_row_per_window(simulator: Path, tmp_path: Path) -> None:
    file = tmp_path / "watts.csv"
    async with simulated_uno(simulator, signals={"amperes": 1.0}) as uno:
        result = await starling("power", "record", file, "--seconds", "1.5", "--port", uno.port)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert rows
    assert {row["source"] for row in rows} == {"acs712-simulated"}
    assert float(rows[-1]["amperes"]) == pytest.approx(1.0, abs=0.02)


async def test_show_prints_a_line_per_reading_without_a_terminal(simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.0}) as uno:
        result = await starling("power", "show", "--seconds", "1.5", "--port", uno.port)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].startswith("acs712-simulated  1.0")


@pytest.mark.parametrize("command", [["power", "show"], ["power", "record", "watts.csv"]])
async def test_a_missing_port_is_retried(command: list[str], tmp_path: Path) -> None:
    command = [str(tmp_path / part) if part.endswith(".csv") else part for part in command]
    code, _, err = await finished(*command, "--port", "/dev/ttyACM99", "--seconds", "0.5")
    assert code == 0
    assert "/dev/ttyACM99 does not exist: connect the meter" in err


async def test_calibrating_a_missing_meter_prints_one_line_and_sets_the_exit_code() -> None:
    code, _, err = await finished("power", "calibrate", "--no-ask", "--port", "/dev/ttyACM99", anew=True)
    assert (code, err) == (
        69,
        "starling: /dev/ttyACM99 does not exist: connect the meter, or see `starling power list`\n",
    )


async def test_list_shows_ports_in_the_format_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    uno = Port("/dev/ttyACM0", "usb:2341:0043:75430", "ttyACM0", is_uno=True)
    monkeypatch.setattr("stream.commands.power.list_ports.serial_ports", lambda: [uno])
    monkeypatch.setenv("COLUMNS", "120")
    result = await starling("power", "list")
    assert "/dev/ttyACM0" in result.output
    assert "usb:2341:0043:75430" in result.output
    assert "Arduino Uno" in result.output


async def test_the_demo_shows_simulated_power_and_marks_it() -> None:
    if missing := missing_packages():
        pytest.skip(f"the simulated Uno is not built: apt-get install {' '.join(missing)}")
    code, out, err = await finished("demo", "--simulated-meter", "--rate", "20", "--tweets", "60", "--json")
    assert code == 0, err
    energy = orjson.loads(out)["energy"]
    assert energy["source"] == "acs712-simulated"
    assert energy["joules_per_tweet"]["all"]["value"] > 0


def test_watch_shows_a_nodes_power_periodically(capsys: pytest.CaptureFixture[str]) -> None:
    viewer = Viewer(Settings())
    for _ in range(3):
        viewer.show(_message(orjson.dumps(SUMMARY)))
    out = capsys.readouterr().out
    assert out == (
        "node pi: 3.2 ± 0.1 W, 0.5 ± 0.02 J/tweet, 0.1 ± 0.01 J/tweet above idle, 50 ± 1 J in total (acs712)\n"
    )


@pytest.mark.parametrize("payload", [b"", b"not JSON", b"[]", b"{}", b'{"source": 5}'])
def test_watch_ignores_invalid_energy_messages(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Viewer(Settings()).show(_message(payload))
    assert capsys.readouterr().out == ""


def _message(payload: bytes) -> Message:
    return Message(energy_topic("pi"), payload)


def test_the_plot_spans_the_smallest_to_the_largest_value() -> None:
    lines = [line.plain for line in plot([1.0, 2.0, 3.0])]
    assert lines[0][:3] == "  █"
    assert lines[-1][:3] == "▁██"
    assert lines[0].endswith("3.00 W")
    assert lines[-1].endswith("1.00 W")


def test_a_constant_value_is_a_flat_plot() -> None:
    assert [line.plain.rstrip()[:3] for line in plot([2.0, 2.0, 2.0])][-1] == "▁▁▁"
