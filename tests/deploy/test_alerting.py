"""Alertmanager's settings and Prometheus's rules from the inventory, read by the programs themselves."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from stream.free_port import free_port
from tests.deploy.roles import ANSIBLE, needs_ansible, rendered_of
from tests.grafana.queries import rules

PROGRAM = shutil.which("prometheus-alertmanager")
needs_alertmanager = pytest.mark.skipif(
    PROGRAM is None, reason="Alertmanager is not installed: apt-get install prometheus-alertmanager"
)
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)
FAST = "9ae7b6e6e96d"
DEFAULT = "fad30c0b9ff1"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Alertmanager's settings as the example inventory makes them."""
    example = ANSIBLE / "inventories" / "example" / "group_vars" / "all"
    both = [yaml.safe_load((example / file).read_text(encoding="utf-8")) for file in ("main.yml", "vault.yml")]
    variables = {
        key: value for each in both for key, value in each.items() if key.startswith(("alertmanager", "vault"))
    }
    return rendered_of("alertmanager", "alertmanager.yml.j2", tmp_path, **variables)


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@needs_ansible
@needs_alertmanager
def test_alertmanager_accepts_the_example_inventorys_settings(settings: Path) -> None:
    assert "SUCCESS" in amtool("check-config", settings)


@needs_ansible
@needs_alertmanager
def test_alertmanager_accepts_settings_without_receivers(tmp_path: Path) -> None:
    assert "SUCCESS" in amtool("check-config", rendered_of("alertmanager", "alertmanager.yml.j2", tmp_path))


@needs_ansible
@needs_alertmanager
def test_every_alert_goes_to_the_receiver_of_its_severity(settings: Path) -> None:
    for rule in rules("alert"):
        labels = [f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}"]
        receiver = amtool("config", "routes", "test", f"--config.file={settings}", *labels)
        assert receiver == {"none": "heartbeat"}.get(rule["labels"]["severity"], rule["labels"]["severity"]), labels


@needs_ansible
def test_an_inhibition_names_alerts_that_exist(settings: Path) -> None:
    names = {rule["alert"] for rule in rules("alert")}
    inhibitions = yaml.safe_load(settings.read_text(encoding="utf-8"))["inhibit_rules"]
    for inhibition in inhibitions:
        for matcher in inhibition["source_matchers"] + inhibition["target_matchers"]:
            assert _matched(matcher, names), matcher


def _matched(matcher: str, names: set[str]) -> set[str]:
    """Return the names that one of our matchers accepts; a group of alternatives stands for its members."""
    _, operator, value = matcher.replace('"', "").split(" ", 2)
    if operator != "=~" or "(" not in value:
        return names if operator in ("=~", "!=") else names & {value}
    prefix, _, alternatives = value.rstrip(")").partition("(")
    wanted = {prefix + each for each in alternatives.split("|")}
    return wanted if wanted <= names else set()


@contextlib.asynccontextmanager
async def alertmanager(settings: Path, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Run Alertmanager; yields a client of its API."""
    assert PROGRAM
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={settings}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *options, f"--web.listen-address={address}", stdout=log, stderr=log
        )
    try:
        async with aiohttp.ClientSession(f"http://{address}") as client:
            await _until_ready(client)
            yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until_ready(client: aiohttp.ClientSession) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with client.get("/-/ready") as answer:
                if answer.ok:
                    return
        await asyncio.sleep(0.02)


async def notified(client: aiohttp.ClientSession, alerts: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Send alerts, and return name and node of those that no other alert silences."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    async with client.post("/api/v2/alerts", json=[{"labels": labels, "endsAt": until} for labels in alerts]) as answer:
        assert answer.ok, await answer.text()
    while True:
        async with client.get("/api/v2/alerts") as answer:
            found: list[dict[str, Any]] = await answer.json()
        if len(found) == len(alerts) and all(alert["status"]["state"] != "unprocessed" for alert in found):
            break
        await asyncio.sleep(0.05)
    active = [alert["labels"] for alert in found if alert["status"]["state"] == "active"]
    return {(labels["alertname"], labels.get("instance", "")) for labels in active}


@needs_ansible
@needs_alertmanager
async def test_a_broker_that_is_down_is_one_notification_for_fifty_nodes(tmp_path: Path) -> None:
    settings = rendered_of("alertmanager", "alertmanager.yml.j2", tmp_path)
    nodes = [
        {"alertname": name, "severity": "warning", "instance": f"pi-{number}"}
        for number in range(50)
        for name in ("StarlingNodeNotReady", "StarlingConnectionFlapping")
    ]
    fleet = [
        {"alertname": name, "severity": "critical"}
        for name in ("StarlingBrokerDown", "StarlingFleetNotReady", "StarlingFeedDead")
    ]

    async with alertmanager(settings, tmp_path) as client:
        assert await notified(client, nodes + fleet) == {("StarlingBrokerDown", "")}


@needs_ansible
@needs_alertmanager
async def test_a_node_that_is_down_silences_its_own_alerts_alone(tmp_path: Path) -> None:
    settings = rendered_of("alertmanager", "alertmanager.yml.j2", tmp_path)
    alerts = [
        {"alertname": "StarlingNodeDown", "severity": "warning", "instance": "pi-1"},
        {"alertname": "StarlingHot", "severity": "warning", "instance": "pi-1"},
        {"alertname": "StarlingHot", "severity": "warning", "instance": "pi-2"},
    ]

    async with alertmanager(settings, tmp_path) as client:
        assert await notified(client, alerts) == {("StarlingNodeDown", "pi-1"), ("StarlingHot", "pi-2")}


@needs_ansible
@needs_promtool
def test_each_node_has_the_model_that_the_inventory_gives_it(tmp_path: Path) -> None:
    nodes = {
        "pi-5": {},
        "pi-3b": {"starling_settings": {"model": {"path": "fast"}}},
        "tried": {"starling_model_bundle": str(ANSIBLE.parents[1] / "stream/models/fast")},
        "other": {"starling_settings": {"model": {"path": "/srv/models/on-the-node"}}},
        "released": {"starling_wheel": "/srv/starling_edge-9.0.0-py3-none-any.whl", "starling_node": "called"},
    }
    file = rendered_of(
        "prometheus", "intended.yml.j2", tmp_path, {"starling": {"hosts": nodes}}, prometheus_nodes=list(nodes)
    )

    labels = [rule["labels"] for rule in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"][0]["rules"]]
    models = {label["instance"]: label["sha256"][:12] for label in labels}
    assert models == {"pi-5": DEFAULT, "pi-3b": FAST, "tried": FAST}
    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_ansible
@needs_promtool
def test_a_fleet_without_known_models_has_a_valid_file_of_rules(tmp_path: Path) -> None:
    file = rendered_of("prometheus", "intended.yml.j2", tmp_path, prometheus_nodes=[])

    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
