"""ansible-lint accepts roles and playbooks."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.roles import ANSIBLE

LINT = Path(sys.executable).parent / "ansible-lint"


@pytest.mark.skipif(not LINT.exists(), reason="needs ansible-lint, which `make test-fleet` installs")
@pytest.mark.timeout(600)
def test_roles_and_playbooks_meet_the_production_profile() -> None:
    command = [str(LINT), "--offline", "--strict", "--profile", "production", "--nocolor", "-q"]
    linted = subprocess.run(command, cwd=ANSIBLE, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout
