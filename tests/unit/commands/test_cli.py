import subprocess
import sys

import pytest
from typer.testing import CliRunner

from stream import __version__
from stream.cli import app, main
from stream.commands.settings import settings_template

HEAVY = ("numpy", "ai_edge_litert", "tflite_runtime", "tokenizers", "aiohttp", "aiomqtt", "pydantic", "tensorflow")
NEVER = ("tensorflow", "tf_keras", "transformers", "torch", "matplotlib", "amqtt", "aiomqtt", "paho", "training")
COMMANDS = (
    "demo",
    "run",
    "classify",
    "send",
    "watch",
    "check",
    "probe",
    "leave",
    "experiment",
    "settings",
    "asyncapi",
    "sbom",
)

IMPORTED = """
import sys

class Witness:
    asked = set()
    def find_spec(self, name, path=None, target=None):
        self.asked.add(name.split(".")[0])

sys.meta_path.insert(0, Witness())
import {module}
print(*sorted(Witness.asked))
"""


def asked_for_by(module: str) -> set[str]:
    """The packages that importing a module imports, or tries to."""
    command = [sys.executable, "-c", IMPORTED.format(module=module)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the console script and return its exit code."""
    monkeypatch.setattr("sys.argv", ["starling", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_command_line_itself_imports_nothing_heavy() -> None:
    assert asked_for_by("stream.cli") & {*HEAVY, *NEVER} == set()


def test_the_service_imports_nothing_that_it_does_without() -> None:
    asked = asked_for_by("stream.service")
    assert {"numpy", "aiohttp"} <= asked
    assert asked & set(NEVER) == set()


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(option: str) -> None:
    answer = CliRunner().invoke(app, [option])
    assert answer.exit_code == 0
    assert [command for command in COMMANDS if command not in answer.output] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert "Usage: starling " + command in answer.output


def test_every_command_is_described_in_a_sentence() -> None:
    described = {
        command.callback.__name__: command.callback.__doc__ for command in app.registered_commands if command.callback
    }
    assert described.keys() == set(COMMANDS)
    assert [name for name, text in described.items() if not (text or "").endswith(".")] == []


def test_without_a_command_there_is_help() -> None:
    assert "Usage: starling" in CliRunner().invoke(app, []).output


def test_the_version_is_the_packages() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.output) == (0, f"starling {__version__}\n")


def test_python_dash_m_does_the_same() -> None:
    command = [sys.executable, "-m", "stream", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"starling {__version__}\n"


def test_settings_are_printed_as_they_can_be_saved() -> None:
    assert CliRunner().invoke(app, ["settings"]).output == settings_template()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("run", "--config", "/nowhere.toml"), 78, "cannot read the settings file /nowhere.toml"),
        (("send", "-", "--broker", "home:x"), 78, "--broker home:x: the port must be a number"),
        (("classify", "--model", "/nowhere"), 66, "no model bundle at /nowhere"),
    ],
    ids=["settings", "address", "bundle"],
)
def test_an_error_of_ours_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    exit_code: int,
    says: str,
) -> None:
    assert run_main(monkeypatch, *arguments) == exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"starling: {says}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("fly",), ("send",), ("run", "--speed", "9"), ("watch", "--count", "0")])
def test_a_wrong_use_is_exit_code_2_and_points_to_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run_main(monkeypatch, *arguments) == 2
    assert "-h' for help" in capsys.readouterr().err


def test_an_interruption_gives_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stream.commands.classify.classify_file", interrupted)
    assert run_main(monkeypatch, "classify") == 130
    assert "Traceback" not in capsys.readouterr().err


class Plugin:
    """An entry point of another package."""

    name = "other"
    value = "other.cli:app"

    def __init__(self, loaded: object) -> None:
        self._loaded = loaded

    def load(self) -> object:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        (ModuleNotFoundError("No module named 'absent'"), "ModuleNotFoundError: No module named 'absent'"),
        (SyntaxError("two\nlines"), "SyntaxError: two lines"),
        (42, "TypeError: it is a int, not a typer.Typer"),
    ],
)
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("settings",)])
def test_a_plugin_that_cannot_be_imported_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    loaded: object,
    reason: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setattr("stream.cli.entry_points", lambda **_: [Plugin(loaded)])
    assert run_main(monkeypatch, *arguments) == 0
    out, err = capsys.readouterr()
    assert out
    assert err == f"starling: the commands of other (other.cli:app) are missing, its import failed: {reason}\n"


def test_without_its_extra_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stream.commands.demo.requirements.find_spec", lambda name: None if name == "amqtt" else name)
    assert run_main(monkeypatch, "demo") == 1
    err = capsys.readouterr().err
    assert err.startswith("starling: the demo needs amqtt of the extra demo: pip install '.[demo]' in a checkout")
    assert len(err.splitlines()) == 1
