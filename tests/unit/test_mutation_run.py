"""Changes of a module with one function, made by hand as mutmut makes them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, time

def double(number):
    match os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[2]:
        case "x_double__mutmut_1":
            return number + 2 if number >= 0 else number * 2
        case "x_double__mutmut_2":
            return number * 2.0
        case "x_double__mutmut_3":
            while True:
                pass
        case "x_double__mutmut_4":
            time.sleep(3600)
        case "x_double__mutmut_5":
            return number + number if number >= 0 else 0
    return number * 2
"""
TESTS = """
from stream.toy import double

def test_three():
    assert double(3) == 6

def test_zero():
    assert double(0) == 0

def test_newer_than_the_notes():
    assert double(-1) == -2
"""


@pytest.mark.timeout(900)  # it uses ten seconds of the processor, which may be busy
def test_each_change_is_detected_by_a_test_or_survives_or_hangs(tmp_path: Path) -> None:
    names = [f"stream.toy.x_double__mutmut_{number}" for number in range(1, 6)]
    unused = "stream.toy.x_unused__mutmut_1"
    tests = ["test_toy.py::test_three", "test_toy.py::test_zero"]
    (tmp_path / "stream").mkdir()
    (tmp_path / "stream/__init__.py").touch()
    (tmp_path / "stream/toy.py").write_text(CODE)
    (tmp_path / "test_toy.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    notes = {"tests_by_mangled_function_name": {"stream.toy.x_double": tests}, "duration_by_test": dict.fromkeys(tests)}
    (tmp_path / "mutmut-stats.json").write_text(json.dumps(notes))
    meta = tmp_path / "stream/toy.py.meta"
    meta.write_text(json.dumps({"exit_code_by_key": dict.fromkeys([*names, unused])}))
    command = [sys.executable, "-m", "tests.mutation.run", "--idle-seconds", "1", "--pytest", "test_toy.py"]
    root = Path(__file__).parents[2]
    run = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert f"{names[0]}: detected by test_toy.py::test_zero" in run.stdout
    assert f"{names[4]}: detected by test_toy.py::test_newer_than_the_notes" in run.stdout
    codes = json.loads(meta.read_text())["exit_code_by_key"]
    assert codes == dict(zip([*names, unused], [1, 0, 36, 36, 1, 0], strict=True))
