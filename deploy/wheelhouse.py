"""Fills and checks a wheelhouse: a folder with all wheels that a node needs which reaches no package registry.

    python deploy/wheelhouse.py fill  wheelhouse --machine aarch64 --python 3.11
    python deploy/wheelhouse.py check wheelhouse --machine aarch64 --python 3.11

For another kind of machine than this one, pip takes the requirements' conditions (`platform_machine == ...`) from this
one. They agree for aarch64 and x86-64; fill an armv7l wheelhouse on a Raspberry Pi with a 32-bit system.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36)
"""The manylinux tags that Debian 12, with glibc 2.36, can use; newer systems can as well."""


class WheelhouseError(Exception):
    """What is wrong with a wheelhouse, in one line."""


def fill(folder: Path, wheel: Path, constraints: Path, kind: list[str]) -> None:
    """Download what a wheel needs, for a kind of machine, and put the wheel beside it.

    Raises:
        WheelhouseError: pip cannot get one of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _pip("download", "--dest", str(folder), "--constraint", str(constraints), *kind, str(wheel))


def check(folder: Path, wheel: Path, constraints: Path, kind: list[str]) -> None:
    """Refuse a wheelhouse with a damaged wheel, or without one that is needed.

    Raises:
        WheelhouseError: Says which.
    """
    for path in sorted(folder.glob("*.whl")):
        _check_whole(path)
    with tempfile.TemporaryDirectory() as nowhere:
        source = ("--no-index", "--find-links", str(folder), "--constraint", str(constraints))
        # Isolated: wheels that the controller's own configuration of pip leads to are of no use to a node.
        _pip(
            "--isolated", "install", "--dry-run", "--ignore-installed", "--target", nowhere, *source, *kind, str(wheel)
        )


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
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    if done.returncode:
        raise WheelhouseError("; ".join(_reasons(done.stdout, done.stderr)))


def _reasons(output: str, errors: str) -> list[str]:
    """What pip says went wrong: what cannot be had at once, which names what is missing, then its errors."""
    _, _, conflict = output.partition("The conflict is caused by:\n")
    together = [line.strip() for line in conflict.partition("\n\n")[0].splitlines()]
    return together + ([line for line in errors.splitlines() if line.startswith("ERROR:")] or [errors.strip()])


def _kind(machine: str, python: str) -> list[str]:
    """What pip is to know of the node."""
    manylinux = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms = [f"--platform={tag}" for tag in (*manylinux, f"manylinux2014_{machine}", f"linux_{machine}")]
    return ["--only-binary=:all:", f"--python-version={python}", *platforms]


def _built_wheel(folder: str) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", folder, str(CHECKOUT))
    return next(Path(folder).glob("starling_edge-*.whl"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fills or checks a folder of wheels for nodes without a registry.")
    parser.add_argument("command", choices=["fill", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--machine", default="aarch64", help="what uname -m says on the node (default: %(default)s)")
    parser.add_argument("--python", default="3.11", help="the node's Python (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help="Starling's wheel; without it, one is built from this checkout")
    parser.add_argument("--constraints", type=Path, default=CHECKOUT / "deploy" / "constraints.txt")
    return parser.parse_args()


def main() -> None:
    """Do what the command line says; what is wrong becomes one line, and exit code 1."""
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
