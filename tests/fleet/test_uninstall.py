"""The service taken off its nodes; the last that is done to the fleet."""

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import NODES

_LEFT = """
ls -d /opt/starling /etc/starling /etc/udev/rules.d/*starling* /etc/systemd/journald.conf.d/starling.conf 2>&-
systemctl list-unit-files --no-legend 'starling*'
getent passwd starling
pgrep --exact starling
"""


def test_a_rehearsal_takes_nothing_off(fleet: Fleet) -> None:
    assert fleet.playbooks.run("uninstall.yml", "--check").exit_code == 0

    assert fleet.ready() == set(NODES)


def test_nothing_of_the_service_is_left_on_the_nodes(fleet: Fleet) -> None:
    outcome = fleet.playbooks.run("uninstall.yml")

    assert outcome.exit_code == 0, outcome.output[-4000:]
    assert [node.run(_LEFT, check=False) for node in fleet.nodes] == ["", "", ""]
    assert fleet.broker.run("systemctl is-active mosquitto prometheus").split() == ["active", "active"]


def test_a_second_run_finds_nothing_to_do(fleet: Fleet) -> None:
    again = fleet.playbooks.run("uninstall.yml")

    assert (again.exit_code, set(again.changed.values())) == (0, {0}), again.output[-4000:]
