"""A fleet, made of bare hosts."""

import re

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import NODES


def test_a_rehearsal_on_bare_hosts_comes_to_its_end(fleet: Fleet) -> None:
    assert fleet.rehearsed.exit_code == 0, fleet.rehearsed.output[-4000:]


def test_bare_hosts_become_nodes_that_are_ready(fleet: Fleet) -> None:
    assert fleet.ready() == set(NODES)


def test_a_second_run_changes_nothing(fleet: Fleet) -> None:
    again = fleet.playbooks.run("site.yml")

    assert (again.exit_code, set(again.changed.values())) == (0, {0}), again.output[-4000:]


def test_the_running_unit_is_exposed_by_at_most_two_of_ten(fleet: Fleet) -> None:
    analysed = fleet.nodes[0].run("systemd-analyze security --no-pager starling")
    exposure = re.search(r"Overall exposure level for starling.service: ([0-9.]+)", analysed)

    assert exposure
    assert float(exposure[1]) <= 2.0


def test_prometheus_finds_the_nodes_and_names_them_as_the_inventory_does(fleet: Fleet) -> None:
    assert fleet.scraped() == set(NODES)


def test_the_metrics_are_shown_to_nobody_without_the_password(fleet: Fleet) -> None:
    status, _ = fleet.nodes[0].fetch(9108, "/metrics")

    assert status == 401


def test_secrets_can_be_read_by_the_service_alone(fleet: Fleet) -> None:
    listed = fleet.nodes[0].run("stat -c '%U %a %n' /etc/starling/secrets/*")

    assert listed.splitlines() == [
        "starling 400 /etc/starling/secrets/broker-password",
        "starling 400 /etc/starling/secrets/http-password",
    ]


def test_nobody_talks_to_the_broker_without_a_password(fleet: Fleet) -> None:
    refused = fleet.broker.run("mosquitto_sub -t '#' -C 1 -W 5 2>&1", check=False)

    assert "not authorised" in refused.lower()
