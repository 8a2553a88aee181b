"""Removal of the service from the nodes; the last test of the fleet."""

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import NODES
from tests.fleet.remains import REMAINS

_REMAINS_OF_A_FEEDER = """
ls -d /opt/starling-feed /etc/starling-feed /var/lib/starling-feed /etc/systemd/system/starling-feed.service 2>&-
getent passwd starling-feed
systemctl list-unit-files --no-legend 'starling-feed*'
"""


def test_a_dry_run_removes_nothing(fleet: Fleet) -> None:
    assert fleet.playbooks.run("uninstall.yml", "--check").exit_code == 0

    assert fleet.ready() == set(NODES)


def test_no_file_process_or_user_of_the_service_remains(fleet: Fleet) -> None:
    outcome = fleet.playbooks.run("uninstall.yml")

    assert outcome.exit_code == 0, outcome.output[-4000:]
    assert [node.run(REMAINS, check=False) for node in fleet.nodes] == [""] * len(NODES)
    assert fleet.broker.run(_REMAINS_OF_A_FEEDER, check=False) == ""
    assert (
        fleet.broker.run("systemctl is-active mosquitto prometheus prometheus-alertmanager").split() == ["active"] * 3
    )


def test_a_second_run_changes_nothing(fleet: Fleet) -> None:
    again = fleet.playbooks.run("uninstall.yml")

    assert (again.exit_code, set(again.changed.values())) == (0, {0}), again.output[-4000:]
