"""The facts of the nodes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.roles import ANSIBLE, PLAYBOOK, needs_ansible

pytestmark = needs_ansible


def test_a_node_is_asked_for_its_facts_once_in_a_run_of_several_plays(tmp_path: Path) -> None:
    task = {"ansible.builtin.assert": {"that": "ansible_facts.architecture is defined"}}
    play = {"hosts": "localhost", "tasks": [task]}
    (tmp_path / "plays.yml").write_text(json.dumps([play, play]), encoding="utf-8")
    command = [str(PLAYBOOK), "--inventory", "localhost,", "--connection", "local", "plays.yml"]
    variables = json.dumps({"ansible_python_interpreter": sys.executable})

    done = subprocess.run(
        [*command, "--extra-vars", variables],
        cwd=tmp_path,
        env=os.environ | {"ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("TASK [Gathering Facts]") == 1
