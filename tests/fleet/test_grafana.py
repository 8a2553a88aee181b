"""Grafana's role on a host without Grafana; the package itself needs internet."""

from pathlib import Path

from tests.fleet.conftest import Fleet
from tests.fleet.playbooks import BROKER, Playbooks


def test_a_dry_run_on_a_host_without_the_packages_goes_to_its_end(fleet: Fleet, tmp_path: Path) -> None:
    assert fleet.broker.run("python3 -c 'import debian' 2>&-; echo $?") == "1"
    playbooks = Playbooks(tmp_path, {BROKER: fleet.broker.address}, {}, {}, {"grafana": [BROKER]})

    outcome = playbooks.run("site.yml", "--check", grafana_admin_password="secret-of-grafana")  # noqa: S106  (of no service)

    assert (outcome.exit_code, outcome.failed) == (0, set()), outcome.output[-4000:]
    assert fleet.broker.run("ls -d /etc/grafana /etc/apt/sources.list.d/grafana.sources 2>&-", check=False) == ""
