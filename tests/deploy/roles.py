"""Access to the files of the roles."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ANSIBLE = Path(__file__).parent.parent.parent / "deploy" / "ansible"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
needs_ansible = pytest.mark.skipif(not PLAYBOOK.exists(), reason="needs ansible-core, which `make test-fleet` installs")
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())


def read(role: str, file: str) -> Any:
    return yaml.safe_load((ANSIBLE / "roles" / role / file).read_text(encoding="utf-8"))


def plugin(path: str) -> ModuleType:
    """Import a Python file of a role, which is not in a package."""
    file = ANSIBLE / "roles" / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rendered_of(
    role: str, template: str, folder: Path, inventory: Mapping[str, Any] | None = None, **variables: Any
) -> Path:
    """Render a template of a role with the role's defaults and the given variables.

    Args:
        role: Name of the role.
        template: File in its folder of templates.
        folder: Folder of the result.
        inventory: Groups beside localhost, in the inventory's format.
        variables: Variables that override the defaults.
    """
    target = folder / template.removesuffix(".j2")
    source = ANSIBLE / "roles" / role / "templates" / template
    task = {"ansible.builtin.template": {"src": str(source), "dest": str(target)}}
    _run(role, task, folder, inventory or {}, variables)
    return target


def evaluated(role: str, expression: str, folder: Path, **variables: Any) -> Any:
    """Return the value of an expression with the role's variables and the given ones, in Ansible's language."""
    target = folder / "value.json"
    task = {"ansible.builtin.copy": {"content": f"{{{{ ({expression}) | to_json }}}}", "dest": str(target)}}
    _run(role, task, folder, {}, variables)
    return json.loads(target.read_text(encoding="utf-8"))


def _run(
    role: str, task: Mapping[str, Any], folder: Path, inventory: Mapping[str, Any], variables: Mapping[str, Any]
) -> None:
    """Run a task on this machine, with the defaults of a role and the given variables."""
    source = ANSIBLE / "roles" / role
    files = [source / "defaults/main.yml", source / "vars/main.yml"]
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": [str(file) for file in files], "tasks": [task]}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    this_machine = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"all": {"hosts": {"localhost": this_machine}}} | dict(inventory)
    (folder / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
    extra = {"role_path": str(source), "ansible_managed": "by a test"} | dict(variables)
    command = [str(PLAYBOOK), "--inventory", "hosts.yml", "play.yml", "--extra-vars", json.dumps(extra)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
