"""Installation of a fleet on new hosts."""

import re
import time

from tests.fleet.conftest import LANGUAGES_NODE, Fleet
from tests.fleet.playbooks import NODES


def test_a_dry_run_on_new_hosts_succeeds(fleet: Fleet) -> None:
    assert fleet.dry_run.exit_code == 0, fleet.dry_run.output[-4000:]


def test_the_nodes_are_ready_after_the_installation(fleet: Fleet) -> None:
    assert fleet.ready() == set(NODES)


def test_a_node_with_the_extra_identifies_languages_and_the_others_do_not(fleet: Fleet) -> None:
    identify = {
        node.name
        for node in fleet.nodes
        if "identified by lid.176.ftz" in node.run("journalctl --unit starling --output cat")
    }

    assert identify == {LANGUAGES_NODE}


def test_a_second_run_changes_nothing(fleet: Fleet) -> None:
    again = fleet.playbooks.run("site.yml", starling_wheel="")

    assert (again.exit_code, set(again.changed.values())) == (0, {0}), again.output[-4000:]


def test_the_exposure_level_of_the_running_unit_is_at_most_2(fleet: Fleet) -> None:
    analysed = fleet.nodes[0].run("systemd-analyze security --no-pager starling")
    exposure = re.search(r"Overall exposure level for starling.service: ([0-9.]+)", analysed)

    assert exposure
    assert float(exposure[1]) <= 2.0


def test_prometheus_scrapes_the_nodes_under_the_inventorys_names(fleet: Fleet) -> None:
    assert fleet.scraped() == set(NODES)


def test_the_metrics_need_the_password(fleet: Fleet) -> None:
    status, _ = fleet.nodes[0].fetch(9108, "/metrics")

    assert status == 401


def test_only_the_service_can_read_the_secrets(fleet: Fleet) -> None:
    listed = fleet.nodes[0].run("stat -c '%U %a %n' /etc/starling/secrets/*")

    assert listed.splitlines() == [
        "starling 400 /etc/starling/secrets/broker-password",
        "starling 400 /etc/starling/secrets/http-password",
    ]


def test_the_broker_needs_a_password(fleet: Fleet) -> None:
    refused = fleet.broker.run("mosquitto_sub -t '#' -C 1 -W 5 2>&1", check=False)

    assert "not authorised" in refused.lower()


def test_prometheus_and_alertmanager_listen_on_the_hub_alone(fleet: Fleet) -> None:
    listening = fleet.broker.run("ss --listening --tcp --numeric --no-header").split()

    assert {each for each in listening if each.endswith((":9090", ":9093"))} == {"127.0.0.1:9090", "127.0.0.1:9093"}


def test_prometheus_sends_alerts_to_alertmanager(fleet: Fleet) -> None:
    query = "amtool alert query --alertmanager.url http://127.0.0.1:9093"
    deadline = time.monotonic() + 60
    while "StarlingDeadMansSwitch" not in fleet.broker.run(query):
        assert time.monotonic() < deadline, "Prometheus has sent no alert"
        time.sleep(1)


def test_prometheus_knows_the_model_that_the_inventory_gives_each_node(fleet: Fleet) -> None:
    assert set(fleet.query("instance:starling_model_intended:info")) == set(NODES)
    assert fleet.query("instance:starling_model_intended:info unless on (instance, sha256) starling_model_info") == {}
