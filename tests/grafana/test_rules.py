"""Recording and alert rules: checked by promtool, complete, and documented in the runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.grafana.queries import FOLDER, RULE_TESTS, RULES, rules

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)
ROOT = FOLDER.parent


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


def test_every_rule_has_a_test() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in RULE_TESTS)
    names = [rule["alert"] for rule in rules("alert")] + [rule["record"] for rule in rules("record")]
    assert [name for name in names if name not in tests] == []


def test_every_alert_has_a_severity_a_summary_a_description_and_a_runbook() -> None:
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}, rule["alert"]


def test_every_alert_has_one_section_in_the_runbook_and_every_section_an_alert() -> None:
    names = {rule["alert"] for rule in rules("alert")}
    for rule in rules("alert"):
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor == rule["alert"].lower()
        assert f"### {rule['alert']}\n" in (ROOT / page).read_text(encoding="utf-8")
    sections = re.findall(r"^### (Starling\w+)$", (ROOT / "docs" / "dashboards.md").read_text(), re.MULTILINE)
    assert set(sections) == names
    assert len(sections) == len(names)


def test_grafana_is_provisioned_with_prometheus_and_the_dashboards() -> None:
    datasources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "prometheus.yml").read_text())
    assert [source["type"] for source in datasources["datasources"]] == ["prometheus"]
    providers = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "starling.yml").read_text())
    assert [provider["type"] for provider in providers["providers"]] == ["file"]
