"""Fuzzes each target for an equal share of the time: `python -m tests.fuzz SECONDS`; exits with 1 after a finding.

What was found is left in .fuzz/TARGET/; once it is understood, it goes into tests/fuzz/corpus/TARGET under a name that
says what it is, where the ordinary tests replay it.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS

_FOUND = Path(".fuzz")
_LONGEST_INPUT_BYTES = 8192
_LONGEST_RUN_SECONDS = 5


def main() -> None:
    """Run the targets one after the other and print the results."""
    seconds = max(1, int(sys.argv[1]) // len(TARGETS))
    results = [_fuzz(name, seconds) for name in TARGETS]
    sys.exit(any(results))


def _fuzz(name: str, seconds: int) -> int:
    found = _FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    words = CORPUS / f"{name}.dict"
    command = [
        *(sys.executable, "-m", "tests.fuzz.run", name),
        *(f"-max_total_time={seconds}", f"-max_len={_LONGEST_INPUT_BYTES}", f"-timeout={_LONGEST_RUN_SECONDS}"),
        f"-artifact_prefix={found}/finding-",
        *([f"-dict={words}"] if words.exists() else []),
        *("-print_final_stats=1", str(found), str(CORPUS / name)),
    ]
    log = found.with_suffix(".log")
    with log.open("wb") as file:
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    said = log.read_text(errors="replace")
    runs = re.findall(r"number_of_executed_units: (\d+)", said)
    covered = re.findall(r"cov: (\d+)", said)
    outcome = f"FAILED, see {log}" if code else "no finding"
    print(f"{name}: {''.join(runs[-1:]) or '?'} runs, {''.join(covered[-1:]) or '?'} edges, {outcome}", flush=True)
    return code


if __name__ == "__main__":
    main()
