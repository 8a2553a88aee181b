"""LiteRT's notice on stderr, which needs a process of its own: it is printed once."""

import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
import os, sys
from pathlib import Path
from stream.model.loading import load_model
from stream.settings import ModelSettings
load_model(ModelSettings(path=Path(sys.argv[1])))
"""


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_a_model_is_loaded_without_a_word_on_stderr(tiny_bundle: Path) -> None:
    done = run(LOAD, tiny_bundle)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_model_is_loaded_with_stderr_closed(tiny_bundle: Path) -> None:
    assert run("import os\nos.close(2)" + LOAD, tiny_bundle).returncode == 0


OTHERS = """
import os, sys
from stream.model.notices import without_delegate_notice
with without_delegate_notice():
    print("before", file=sys.stderr)
    os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\n")
    os.write(2, b"ERROR: no such operator\\nno line end")
    {action}
"""


@pytest.mark.parametrize(("action", "code"), [("pass", 0), ("raise SystemExit(3)", 3)])
def test_everything_else_is_passed_on_in_its_order(action: str, code: int) -> None:
    done = run(OTHERS.format(action=action))
    assert (done.returncode, done.stderr) == (code, "before\nERROR: no such operator\nno line end")
