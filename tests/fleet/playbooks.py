"""Runs of playbooks, and their results."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from tests.fleet import image
from tests.fleet.image import CHECKOUT

ANSIBLE = CHECKOUT / "deploy" / "ansible"
PROGRAM = Path(sys.executable).parent / "ansible-playbook"
NODES = tuple(f"pi-{number + 1}" for number in range(len(image.NODE_SYSTEMS)))
BROKER = "hub"
GROUPS: Mapping[str, Sequence[str]] = {
    "starling": NODES,
    **{role: [BROKER] for role in ("mosquitto", "prometheus", "alertmanager", "starling_feed")},
}
SECRETS = {
    "node": "the secret of",
    "rollout": "secret-of-the-prober",
    "collector": "secret-of-the-collector",
    "reader": "secret-of-the-reader",
    "watcher": "secret-of-the-watcher",
    "metrics": "with \"quotes\", 'more' and an ü",
    "feeder": "secret-of-the-feeder",
    "token": "secret-of-the-source",
    "mail": "secret-of-the-mail-server",
}
"""Passwords, or what they begin with; none may appear in a journal or a log."""
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_OPTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5"


@dataclass(frozen=True)
class Outcome:
    """Result of a playbook."""

    exit_code: int
    output: str
    seconds: float

    @property
    def changed(self) -> dict[str, int]:
        """Number of tasks with changes, by host."""
        return {host: int(changed) for host, changed, _, _ in _RECAP.findall(self.output)}

    @property
    def failed(self) -> set[str]:
        """Hosts that failed or were unreachable."""
        return {host for host, _, lost, failed in _RECAP.findall(self.output) if int(lost) + int(failed)}

    @property
    def said(self) -> str:
        """Output on one line, for the search of sentences."""
        return " ".join(self.output.split())


class Playbooks:
    """The playbooks with an inventory.

    Args:
        folder: Folder for the inventory.
        addresses: Addresses of the machines by name.
        variables: Variables of all hosts; they override the defaults of the tests.
        host_variables: Variables of single hosts, by name.
        groups: Hosts of each group.
    """

    def __init__(
        self,
        folder: Path,
        addresses: Mapping[str, str],
        variables: Mapping[str, Any],
        host_variables: Mapping[str, Mapping[str, Any]],
        groups: Mapping[str, Sequence[str]] = GROUPS,
    ) -> None:
        self._inventory = folder / "hosts.yml"
        inventory = {
            name: {"hosts": {host: {"ansible_host": addresses[host], **host_variables.get(host, {})} for host in hosts}}
            for name, hosts in groups.items()
        }
        common = _default_variables(addresses[BROKER]) | dict(variables)
        self._inventory.write_text(yaml.safe_dump(inventory | {"all": {"vars": common}}), encoding="utf-8")

    def run(self, name: str, *options: str, **variables: Any) -> Outcome:
        """Run a playbook and wait for its end."""
        started = time.monotonic()
        with self.started_playbook(name, *options, **variables) as process:
            output, _ = process.communicate()
        return Outcome(process.returncode, output, time.monotonic() - started)

    @staticmethod
    def vault(*arguments: str) -> None:
        """Run ansible-vault."""
        subprocess.run([PROGRAM.with_name("ansible-vault"), *arguments], check=True, capture_output=True)

    @contextmanager
    def started_playbook(self, name: str, *options: str, **variables: Any) -> Iterator[subprocess.Popen[str]]:
        """Start a playbook; it is killed at the end of the context if it still runs."""
        command = [str(PROGRAM), "--inventory", str(self._inventory), name, *options]
        if variables:
            command += ["--extra-vars", orjson.dumps(variables).decode()]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=ANSIBLE, env=_environment(), stdout=pipe, stderr=subprocess.STDOUT, text=True, process_group=0
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def _default_variables(broker_address: str) -> dict[str, Any]:
    return {
        "ansible_user": image.USER,
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(image.ssh_key()),
        "ansible_ssh_common_args": _OPTIONS,
        "starling_broker_host": broker_address,
        "starling_broker_username": "{{ inventory_hostname }}",
        "starling_broker_password": SECRETS["node"] + " {{ inventory_hostname }}",
        "starling_broker_group": "fleet",
        "starling_probe_username": "rollout",
        "starling_probe_password": SECRETS["rollout"],
        "starling_http_username": "prometheus",
        "starling_http_password": SECRETS["metrics"],
        # Long enough to notice a hang, which the gate reports after 20 seconds.
        "starling_watch_seconds": 30,
        "starling_watch_most_seconds": 60,
        "starling_watch_tweets": 30,
        "starling_feed_broker_username": "feeder",
        "starling_feed_broker_password": SECRETS["feeder"],
        "starling_feed_token": SECRETS["token"],
        "mosquitto_senders": {"collector": SECRETS["collector"], "feeder": SECRETS["feeder"]},
        "mosquitto_readers": {"reader": SECRETS["reader"]},
        "mosquitto_probers": {"rollout": SECRETS["rollout"]},
        "mosquitto_watcher_password": SECRETS["watcher"],
        "alertmanager_global": {"smtp_smarthost": "localhost:25", "smtp_auth_password": SECRETS["mail"]},
        "prometheus_scrape_seconds": 2,
    }


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
    }
