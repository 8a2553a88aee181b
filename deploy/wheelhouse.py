"""Fills and checks a wheelhouse: a folder with all wheels for a node without access to a package index.

    python deploy/wheelhouse.py fill  wheelhouse --machine aarch64 --python 3.11
    python deploy/wheelhouse.py check wheelhouse --machine aarch64 --python 3.11

For another architecture, pip still evaluates the requirements' conditions (`platform_machine == ...`) for this machine.
They are equal for aarch64 and x86-64. Fill an armv7l wheelhouse on a Raspberry Pi with a 32-bit system.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36)
"""Minor glibc versions of the manylinux tags that Debian 12 (glibc 2.36) and newer systems support."""


class WheelhouseError(Exception):
    """A problem of a wheelhouse, described in one line."""


def fill(folder: Path, wheel: Path, constraints: Path, kind: list[str]) -> None:
    """Download the dependencies of a wheel for a kind of machine, and add the wheel.

    Raises:
        WheelhouseError: pip cannot download one of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _pip("download", "--dest", str(folder), "--constraint", str(constraints), *kind, str(wheel))


def check(folder: Path, wheel: Path, constraints: Path, kind: list[str]) -> None:
    """Check that no needed wheel is missing and none is damaged.

    Raises:
        WheelhouseError: A wheel is missing or damaged.
    """
    for path in sorted(folder.glob("*.whl")):
        _check_whole(path)
    with tempfile.TemporaryDirectory() as empty:
        source = ("--no-index", "--find-links", str(folder), "--constraint", str(constraints))
        # Isolated: a node cannot use wheels that the controller's configuration of pip provides.
        _pip("--isolated", "install", "--dry-run", "--ignore-installed", "--target", empty, *source, *kind, str(wheel))


def _check_whole(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as wheel:
            damaged = wheel.testzip()
    except (zipfile.BadZipFile, OSError) as error:
        raise WheelhouseError(f"{path} is damaged ({error}): download it again") from error
    if damaged:
        raise WheelhouseError(f"{path} is damaged (its {damaged} does not match its checksum): download it again")


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (fixed arguments)
    if done.returncode:
        raise WheelhouseError("; ".join(_reasons(done.stdout, done.stderr)))


def _reasons(output: str, errors: str) -> list[str]:
    """Extract the reasons from pip's output: conflicting requirements, which name the missing wheel, then errors."""
    _, _, conflict = output.partition("The conflict is caused by:\n")
    together = [line.strip() for line in conflict.partition("\n\n")[0].splitlines()]
    return together + ([line for line in errors.splitlines() if line.startswith("ERROR:")] or [errors.strip()])


def _kind(machine: str, python: str) -> list[str]:
    """Return pip's options for the node's architecture and Python."""
    manylinux = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms = [f"--platform={tag}" for tag in (*manylinux, f"manylinux2014_{machine}", f"linux_{machine}")]
    return ["--only-binary=:all:", f"--python-version={python}", *platforms]


def _built_wheel(folder: str) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", folder, str(CHECKOUT))
    return next(Path(folder).glob("starling_edge-*.whl"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fill or check a folder of wheels for nodes without internet.")
    parser.add_argument("command", choices=["fill", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--machine", default="aarch64", help="the node's `uname -m` (default: %(default)s)")
    parser.add_argument("--python", default="3.11", help="the node's Python version (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help="Starling's wheel (default: built from this checkout)")
    parser.add_argument("--constraints", type=Path, default=CHECKOUT / "deploy" / "constraints.txt")
    return parser.parse_args()


def main() -> None:
    """Run the command; an error becomes one line and exit code 1."""
    given = _arguments()
    act = {"fill": fill, "check": check}[given.command]
    try:
        with tempfile.TemporaryDirectory() as build:
            wheel = given.wheel or _built_wheel(build)
            act(given.folder, wheel, given.constraints, _kind(given.machine, given.python))
    except WheelhouseError as error:
        sys.exit(f"wheelhouse: {error}")


if __name__ == "__main__":
    main()
