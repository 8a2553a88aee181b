"""The order of a roll-out: what happens to the other nodes when one fails, or does not answer any more.

The role's own tasks decide; only those that change a machine are replaced.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.roles import ANSIBLE, PLAYBOOK, needs_ansible

pytestmark = needs_ansible

NODES = [f"pi-{number}" for number in range(1, 6)]
BATCHES = [1, 3, "100%"]
_CHANGED = "prepare release model differences switch rollback ready prune".split()  # noqa: SIM905
_APPEND = "ansible.builtin.shell"


def _noted(event: str) -> dict[str, Any]:
    """A task that writes an event of a node to a file."""
    return {"name": event, _APPEND: f"echo '{event}' >> {{{{ log_folder }}}}/{{{{ inventory_hostname }}}}"}


_HANG = {
    "name": "Stop answering",
    "ansible.builtin.set_fact": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    "when": "inventory_hostname == hanging",
}
_FAIL = {"name": "Fail", "ansible.builtin.fail": {"msg": "worse"}, "when": "inventory_hostname == failing"}
_STOP = {"name": "Stop the roll-out", "ansible.builtin.fail": {"msg": "was not switched"}}
_SWITCH = {
    "name": "Switch, or roll back",
    "block": [_noted("switched"), _HANG, {"name": "Ping", "ansible.builtin.ping": {}}, _FAIL],
    "rescue": [{"name": "Roll back", "ansible.builtin.include_tasks": "rollback.yml"}, _STOP],
}
_TASKS: dict[str, list[dict[str, Any]]] = {name: [] for name in _CHANGED} | {
    "differences": [{"name": "Differ", "ansible.builtin.set_fact": {"starling_differences": ["release"]}}],
    "switch": [_SWITCH],
    "rollback": [
        {"name": "Know the past", "ansible.builtin.set_fact": {"starling_has_previous": {"stat": {"exists": True}}}},
        _noted("rolled back"),
    ],
}


@dataclass(frozen=True)
class RollOut:
    """The events of each node, and what the playbook printed."""

    events: dict[str, list[str]]
    output: str


def rolled_out(folder: Path, *, failing: str = "", hanging: str = "") -> RollOut:
    """Run nodes.yml for five nodes."""
    for name in ("nodes.yml", "ansible.cfg"):
        shutil.copy(ANSIBLE / name, folder)
    shutil.copytree(ANSIBLE / "roles" / "starling", folder / "roles" / "starling")
    for name, tasks in _TASKS.items():
        (folder / "roles/starling/tasks" / f"{name}.yml").write_text(json.dumps(tasks))
    (folder / "log").mkdir()
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_ssh_retries": 0,
        "starling_release": "1.0.0",
        "log_folder": str(folder / "log"),
        "failing": failing,
        "hanging": hanging,
    }
    inventory = {"starling": {"hosts": {node: {} for node in NODES}, "vars": variables}}
    (folder / "hosts.yml").write_text(json.dumps(inventory))
    done = subprocess.run(
        [PLAYBOOK, "--inventory", "hosts.yml", "nodes.yml", "--extra-vars", json.dumps({"starling_batches": BATCHES})],
        cwd=folder,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_GATHERING": "explicit"},
        capture_output=True,
        text=True,
        check=False,
    )
    logs = {node: folder / "log" / node for node in NODES}
    events = {node: log.read_text().splitlines() if log.exists() else [] for node, log in logs.items()}
    return RollOut(events, " ".join(done.stdout.split()))


def test_a_good_release_reaches_all_nodes(tmp_path: Path) -> None:
    assert rolled_out(tmp_path).events == {node: ["switched"] for node in NODES}


def test_a_bad_canary_ends_the_roll_out(tmp_path: Path) -> None:
    done = rolled_out(tmp_path, failing="pi-1")

    assert done.events == {node: ["switched", "rolled back"] if node == "pi-1" else [] for node in NODES}


def test_a_canary_that_does_not_answer_any_more_ends_the_roll_out(tmp_path: Path) -> None:
    done = rolled_out(tmp_path, hanging="pi-1")

    assert done.events == {node: ["switched"] if node == "pi-1" else [] for node in NODES}


@pytest.mark.parametrize("fault", ["failing", "hanging"])
def test_the_batch_of_a_bad_node_is_rolled_back_and_told_and_later_nodes_are_not_changed(
    tmp_path: Path, fault: str
) -> None:
    done = rolled_out(tmp_path, **{fault: "pi-3"})

    rolled_back = ["switched", "rolled back"]
    assert done.events == {
        "pi-1": ["switched"],
        "pi-2": rolled_back,
        "pi-3": rolled_back if fault == "failing" else ["switched"],
        "pi-4": rolled_back,
        "pi-5": [],
    }
    told = "but pi-3 of the same batch failed or did not answer any more. It has its previous state again."
    assert f"pi-2 was ready with 1.0.0, {told}" in done.output
    assert f"pi-4 was ready with 1.0.0, {told}" in done.output
