"""Runs the changes that mutmut has made, and prints the score of each module: `python -m tests.mutation --help`.

mutmut makes the changes and notes which tests run which function; `mutmut results` and `mutmut show` tell about them.
First mypy checks the types of all changes. Against the others `tests.mutation.run` runs the tests, in forks of one
process that has collected them: mutmut itself would collect them again for each change.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutation.records import FOUND_BY_TYPES, modules
from tests.mutation.scores import scores, table
from tests.mutation.types import found_by_types

_FOLDER = Path("mutants")


def main() -> None:
    """Run what the arguments name, and print the table of all modules."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    _check_types([pattern.removesuffix("/*").replace("/", ".") for pattern in settings["only_mutate"]])
    tests = ["--rootdir=.", *settings["pytest_add_cli_args"], *settings["pytest_add_cli_args_test_selection"]]
    command = [sys.executable, "-m", "tests.mutation.run", *sys.argv[1:], "--pytest", *tests]
    code = subprocess.run(command, cwd=_FOLDER, check=False).returncode
    print(table(list(scores(_FOLDER / "stream"))))
    sys.exit(code)


def _check_types(packages: list[str]) -> None:
    """Note the changes with an error of types, among those that have not been run."""
    new = [(module, change) for module in modules(_FOLDER) for change, code in module.codes.items() if code is None]
    if new:
        found = found_by_types(_FOLDER, packages)
        for module, change in new:
            if change in found:
                module.note(change, FOUND_BY_TYPES)


if __name__ == "__main__":
    main()
