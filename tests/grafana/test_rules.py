"""Recording and alert rules: checked by promtool, complete, and documented in the runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.queries import FOLDER, RULE_TESTS, RULES, rules

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)
ROOT = FOLDER.parent
RUNBOOK_URL = "https://github.com/starling-edge/starling/blob/main/docs/runbook.md"
ALWAYS = "vector(1)"
"""The expression of the dead man's switch, which fires always."""


def promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.prometheus
@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert code == 0, said


@pytest.mark.prometheus
@needs_promtool
@pytest.mark.parametrize("file", RULE_TESTS, ids=[file.stem for file in RULE_TESTS])
def test_the_rules_pass_their_unit_tests(file: Path) -> None:
    code, said = promtool("test", "rules", file)
    assert code == 0, said


@pytest.mark.prometheus
@needs_promtool
def test_promtool_accepts_the_configuration_in_the_docs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    configuration, targets = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(configuration)
    for folder, files in {
        "rules": {file.name: file.read_text() for file in RULES},
        "targets": {"all.yml": targets},
    }.items():
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_text(content)
    code, said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert (code, f"{len(RULES)} rule files found" in said) == (0, True), said
    assert yaml.safe_load(configuration)["scrape_configs"][0]["job_name"] == "starling"


def _mentioned(test: dict[str, Any], *, fires: bool) -> str:
    """Return the expectations of a unit test that have series, or that have none."""
    expressions = [each["expr"] for each in test.get("promql_expr_test", []) if bool(each.get("exp_samples")) == fires]
    alerts = [each["alertname"] for each in test.get("alert_rule_test", []) if bool(each.get("exp_alerts")) == fires]
    return " ".join([*expressions, *alerts])


def _names_in(text: str, names: list[str]) -> set[str]:
    """Return the names that the text has, also as alternatives of a pattern."""
    patterns = re.findall(r'alertname=~?"([^"]+)"', text)
    plain = {name for name in names if re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", text)}
    return plain | {name for name in names for pattern in patterns if re.fullmatch(pattern, name)}


def test_every_recording_rule_has_a_unit_test() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in RULE_TESTS)
    names = [rule["record"] for rule in rules("record")]
    assert sorted(set(names) - _names_in(tests, names)) == []


@pytest.mark.parametrize("fires", [True, False])
def test_every_alert_has_a_unit_test_in_which_it_fires_and_one_in_which_it_does_not(*, fires: bool) -> None:
    tests = [test for file in RULE_TESTS for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]
    names = [rule["alert"] for rule in rules("alert") if fires or rule["expr"] != ALWAYS]
    text = " ".join(_mentioned(test, fires=fires) for test in tests)
    assert sorted(set(names) - _names_in(text, names)) == []


def test_every_alert_has_a_severity_a_summary_a_description_and_a_runbook() -> None:
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in ("warning", "critical", "none"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}, rule["alert"]


def test_every_alert_has_one_section_in_the_runbook_and_every_section_an_alert() -> None:
    for rule in rules("alert"):
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOK_URL}#{rule['alert'].lower()}"
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [rule["alert"] for rule in rules("alert")]


def test_an_alert_that_calls_a_person_is_in_the_runbook_as_critical_and_one_that_informs_as_a_warning() -> None:
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    for rule in rules("alert"):
        severity = rule["labels"]["severity"]
        begins = {"critical": r"\*Critical", "warning": r"\*Warning", "none": r"\*Fires always"}[severity]
        assert re.search(rf"^## {rule['alert']}\n\n{begins}", page, re.MULTILINE), rule["alert"]


def test_grafana_is_provisioned_with_prometheus_and_the_dashboards() -> None:
    datasources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "prometheus.yml").read_text())
    assert [source["type"] for source in datasources["datasources"]] == ["prometheus"]
    providers = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "starling.yml").read_text())
    assert [provider["type"] for provider in providers["providers"]] == ["file"]
