"""Reason of a failed task, as a roll-out shows it to the operator."""

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.roles import evaluated, needs_ansible

pytestmark = needs_ansible


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "no space left"}, "no space left"),
        (
            {"msg": "non-zero return code", "stderr_lines": ["Traceback", "libstdc++.so.6 is missing"]},
            "non-zero return code: libstdc++.so.6 is missing",
        ),
        ({"msg": "non-zero return code", "stderr_lines": []}, "non-zero return code"),
        ({}, ""),
    ],
)
def test_a_failed_program_gives_the_last_line_of_its_errors_as_the_reason(
    tmp_path: Path, result: dict[str, Any], said: str
) -> None:
    assert evaluated("starling", "starling_failed_says", tmp_path, ansible_failed_result=result) == said
