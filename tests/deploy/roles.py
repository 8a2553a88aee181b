"""Access to the files of the roles."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

ANSIBLE = Path(__file__).parent.parent.parent / "deploy" / "ansible"
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
