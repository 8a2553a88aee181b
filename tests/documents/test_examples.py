"""The examples of README.md, docs/ and the other documents do what the documents say.

- `console` blocks are run in a temporary folder, one for each document, and their output is compared.
- `sh` blocks are not run, each for the reason below; what they name must exist.
- `toml`, `json`, `yaml` and `ini` blocks are read by what reads such files.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from stream.experiment.plan import Plan
from stream.feed.events import Deletion, Gap, Post
from stream.feed.messages import deletion_message, edit_message, gap_message, post_message
from stream.free_port import free_port
from stream.home_assistant.state import node_state
from stream.power.monitor import PowerMonitor
from stream.power.per_tweet import Work
from stream.settings import Settings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.telemetry.resources import ResourceCollector
from stream.tweets.label_events import event_attributes, event_source, structured
from stream.tweets.labels import Label, LabelEncoder, ModelIdentity
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet
from stream.web.page.status import NodeStatus
from tests.documents.command_lines import problems
from tests.documents.examples import DOCUMENTS, ROOT, Example, examples, prose_of
from tests.documents.matching import difference
from tests.integration.mosquitto import PROGRAM, Mosquitto
from tests.power.examples import Recorded

LANGUAGES = {"console", "sh", "toml", "json", "yaml", "ini"}
CONSOLE = examples("console")

# By document, or by document and heading.
NOT_RUN = {
    ("README.md", "Starling"): "make test would run this test; make demo is run below",
    ("README.md", "Install"): "installs from a package index; tests/packaging does it without one",
    ("README.md", "Use"): "runs until stopped, with a broker on another machine",
    "CONTRIBUTING.md": "runs all tests, or measures for minutes to hours",
    "docs/arm.md": "emulates other processors for minutes; tests/arm does it",
    "docs/cascade.md": "reads data sets that are not in the repository, or trains for minutes",
    "docs/dashboards.md": "writes to /etc; tests/grafana runs promtool",
    "docs/evaluation.md": "reads data sets that are not in the repository",
    "docs/feed.md": "reads public streams; tests/feed runs these commands against local servers",
    "docs/fleet.md": "changes other machines; tests/fleet does it",
    "docs/languages.md": "installs from a package index; tests/packaging does it without one",
    "docs/messages.md": "needs mosquitto-clients; tests/integration sends such a message",
    "docs/models.md": "reads a checkpoint and data sets that are not in the repository",
    "docs/paper.md": "takes hours, on the reader's data",
    "docs/paper/README.md": "takes hours, on data sets that are not in the repository",
    "docs/performance.md": "measures for minutes; tests/bench runs the commands",
    "docs/power.md": "needs a meter; tests/power runs the commands with a simulated one",
    "docs/reliability.md": "runs for an hour; tests/soak runs it for seconds",
    "docs/reputation.md": "trains on data sets that are not in the repository, and writes to /etc",
    "docs/training.md": "trains for hours, on data sets that are not in the repository",
    "firmware/README.md": "writes to a connected board; tests/firmware builds it and runs it simulated",
}
# The same program at a higher rate.
RUN_AS = {"make demo": "starling demo --rate 100"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the commands: this checkout's program, a broker and a free port for HTTP."""
    if PROGRAM is None:
        pytest.skip("Mosquitto is not installed: apt-get install mosquitto")
    with Mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "100",
            "STARLING_BROKER__PORT": str(broker.port),
            "STARLING_HTTP__PORT": str(free_port()),
        }


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", RUN_AS.get(command, command)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    printed = done.stdout.replace(environment["STARLING_BROKER__PORT"], "1883")
    printed = printed.replace(environment["STARLING_HTTP__PORT"], "9108")
    return "".join(line for line in printed.splitlines(keepends=True) if not line.startswith("INFO: Created Tensor"))


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert {str(example): example.language for example in examples() if example.language not in LANGUAGES} == {}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_in_fenced_blocks(document: str) -> None:
    indented = re.findall(r"^    (?:make|starling|pip|promtool|sudo) .+$", prose_of(document), re.MULTILINE)
    assert indented == []


@pytest.mark.broker
@pytest.mark.parametrize("document", sorted({example.document for example in CONSOLE}))
def test_commands_print_what_the_document_shows(document: str, environment: dict[str, str], tmp_path: Path) -> None:
    for example in (example for example in CONSOLE if example.document == document):
        for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n?)*)", example.source, re.MULTILINE):
            printed = _run(command, tmp_path, environment)
            missing = difference(shown, printed)
            assert missing is None, f"{example}: `{command}` does not print: {missing}\nIt prints:\n{printed}"


@pytest.mark.parametrize("example", examples("sh"), ids=str)
def test_commands_that_are_not_run_are_valid(example: Example) -> None:
    assert problems(example.source) == []


def test_blocks_that_are_not_run_match_the_list_of_reasons() -> None:
    blocks = examples("sh")
    keys = {example: {example.document, (example.document, example.heading)} & NOT_RUN.keys() for example in blocks}
    assert [str(example) for example, found in keys.items() if len(found) != 1] == []
    assert NOT_RUN.keys() - set().union(*keys.values()) == set()


@pytest.mark.parametrize(
    "command",
    [
        "starling demos",
        "starling demo --speed 3",
        "starling send x.jsonl | starling watch --colour",
        "starling demo --tweets many",
        "make demonstration",
        "ansible-playbook nothing.yml",
        "python deploy/nothing.py",
        "python -m tests.nothing",
        "starlet run",
    ],
)
def test_an_invalid_command_is_found(command: str) -> None:
    assert problems(command) != []


@pytest.mark.parametrize("example", examples("toml"), ids=str)
def test_settings_and_plans_are_valid(example: Example, tmp_path: Path) -> None:
    tables = tomllib.loads(example.source)
    if "models" in tables:
        Plan.model_validate(tables)
    else:
        file = tmp_path / "starling.toml"
        file.write_text(example.source, encoding="utf-8")
        load_settings(file)


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_messages_have_the_keys_of_real_messages(example: Example) -> None:
    shown = orjson.loads(example.source)
    real = [message for message in _real_messages() if message.keys() == shown.keys()]
    assert real, "no message has these keys"
    assert _same_kind(shown, real[0])


def _real_messages() -> Iterator[dict[str, Any]]:
    encoder = LabelEncoder("pi-kitchen", ModelIdentity("minilm", "int8", "0" * 64))
    label = Label(Tweet("1", "text"), "positive", dict.fromkeys(POLARITIES, 0.5))
    labelled = encoder.label(label, 0.5, 1.5)
    yield orjson.loads(labelled)
    about = Label(Tweet("1", "text", "Acme"), "positive", dict.fromkeys(POLARITIES, 0.5), entity_used=True)
    yield orjson.loads(encoder.label(about, 0.5, 1.5))
    yield orjson.loads(structured(event_attributes(labelled, event_source("pi-kitchen", None)), labelled))
    status = NodeStatus(Settings(), Metrics(), Health(60))
    yield dict(node_state(status, ResourceCollector()))
    post = Post("1", "text", None, 0.5, ("en",), replaces=("2",))
    yield orjson.loads(post_message(post, "bluesky"))
    yield orjson.loads(edit_message(post, "x"))
    yield orjson.loads(deletion_message(Deletion("1", None, 0.5), "bluesky"))
    yield orjson.loads(gap_message(Gap("no_replay", 1.5, 0.5), "mastodon"))
    yield orjson.loads(encoder.rejection(RejectedTweetError(Reason.NOT_JSON, "not JSON"), b"{", 0.5))
    yield dict(PowerMonitor(Recorded([]), Work, 60).summary())


def _same_kind(shown: Any, real: Any) -> bool:
    """Compare the keys and types of two values; None stands for a value that was not measured."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(_same_kind(value, real[key]) for key, value in shown.items())
    return (
        real is None or (isinstance(shown, int | float) and isinstance(real, int | float)) or type(shown) is type(real)
    )


def test_the_readme_explains_every_reason_for_a_rejection() -> None:
    table = re.findall(r"^\| (`.+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = {reason for cell in table for reason in re.findall(r"`(\w+)`", cell)}
    assert set(Reason) - named == set()


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_yaml_is_well_formed_and_settings_in_it_are_valid(example: Example) -> None:
    read = yaml.safe_load(example.source)
    assert read
    if isinstance(read, dict) and "starling_settings" in read:
        Settings.model_validate(read["starling_settings"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("example", examples("ini"), ids=str)
def test_units_are_what_systemd_accepts(example: Example, tmp_path: Path) -> None:
    unit = tmp_path / "starling.service"
    program = Path(sys.executable).parent / "starling"
    unit.write_text(example.source.replace("/opt/starling/bin/starling", str(program)), encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, "starling" in verified.stderr) == (0, False), verified.stderr


@pytest.mark.parametrize("example", examples("ini"), ids=str)
def test_units_agree_with_the_unit_that_ansible_installs(example: Example) -> None:
    installed = (ROOT / "deploy/ansible/roles/starling/templates/starling.service.j2").read_text("utf-8").splitlines()
    own = ("After=", "User=", "ExecStart=")
    lines = [line for line in example.source.splitlines() if line and not line.startswith(own)]
    assert [line for line in lines if line not in installed] == []


def test_files_of_the_repository_that_a_document_names_exist() -> None:
    named = re.compile(r"`((?:stream|training|tests|deploy|grafana|firmware|docs)/[\w./-]+)`")
    found = {(name, file) for name in DOCUMENTS for file in named.findall((ROOT / name).read_text(encoding="utf-8"))}
    assert len(found) > 50
    assert sorted((name, file) for name, file in found if not (ROOT / file).exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = [link.partition("#") for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    assert [file for file, _, _ in targets if not ((ROOT / document).parent / file).exists()] == []
    headings = [(file, anchor) for file, _, anchor in targets if anchor]
    assert [
        (file, anchor)
        for file, anchor in headings
        if anchor not in _anchors((ROOT / document).parent / file if file else ROOT / document)
    ] == []


def _anchors(file: Path) -> set[str]:
    """Find the anchors of a document's headings."""
    headings = re.findall(r"^#+ +(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
