"""Fills and checks a wheelhouse: a folder with all wheels for a node without access to a package index.

    python deploy/wheelhouse.py fill  wheelhouse --machine aarch64 --python 3.11
    python deploy/wheelhouse.py check wheelhouse --machine aarch64 --python 3.11
    python deploy/wheelhouse.py lock  deploy/requirements

`lock` writes the exact version and the hashes of each dependency, for each kind of node. They are committed, and decide
which wheels are accepted by `fill`, by `check` and by the nodes: `pip install --require-hashes`. The additional
dependencies of an extra are in files of their own: `…-feed.txt` for a feeder, `…-languages.txt` for a node that
identifies languages. `fill` downloads them too, and `check --extra feed` checks them.

For another architecture, pip still evaluates the requirements' conditions (`platform_machine == ...`) for this machine.
They are equal for aarch64 and x86-64.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36)
"""Minor glibc versions of the manylinux tags that Debian 12 (glibc 2.36) and newer systems support."""


LOCKS = CHECKOUT / "deploy" / "requirements"
LOCKED = [(machine, python) for machine in ("aarch64", "x86_64") for python in ("3.11", "3.12", "3.13")]
"""Kinds of nodes, each with a lock file: machine and Python."""
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class WheelhouseError(Exception):
    """A problem of a wheelhouse, described in one line."""


EXTRAS = ("feed", "languages")
"""The wheel's extras that a host may need, each with lock files of its own."""


def fill(folder: Path, wheel: Path, constraints: Path, kind: tuple[str, str]) -> None:
    """Download the dependencies of a wheel for a kind of machine, those of the extras included, and add the wheel.

    Raises:
        WheelhouseError: pip cannot download one of them, or it has another hash than the lock file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    locks = [lock for lock in (lock_file(*kind), *(lock_file(*kind, extra=extra) for extra in EXTRAS)) if lock.exists()]
    if locks:
        named = [option for lock in locks for option in ("--requirement", str(lock))]
        _pip("download", "--dest", str(folder), "--require-hashes", "--no-deps", *named, *_options(*kind))
    # The wheel's own requirements: nothing is downloaded again, and what the lock files lack is found.
    source = ["--find-links", str(folder), *(["--no-index"] if locks else [])]
    wanted = _with_extras(wheel, EXTRAS)
    _pip("download", "--dest", str(folder), "--constraint", str(constraints), *source, *_options(*kind), wanted)


def check(folder: Path, wheel: Path, constraints: Path, kind: tuple[str, str], extras: Sequence[str] = ()) -> None:
    """Check that no needed wheel is missing, none is damaged, and each is the one of the lock files.

    Args:
        folder: The wheelhouse.
        wheel: Starling's wheel.
        constraints: The exact versions of its dependencies.
        kind: Machine and Python of the host.
        extras: The wheel's extras that the host needs.

    Raises:
        WheelhouseError: A wheel is missing, damaged or another one.
    """
    accepted = accepted_hashes()
    for path in sorted(folder.glob("*.whl")):
        _check_whole(path)
        if not path.name.startswith("starling_edge-"):
            _check_hash(path, accepted)
    with tempfile.TemporaryDirectory() as empty:
        source = ("--no-index", "--find-links", str(folder), "--constraint", str(constraints))
        target = ("--dry-run", "--ignore-installed", "--target", empty)
        # Isolated: a node cannot use wheels that the controller's configuration of pip provides.
        _pip("--isolated", "install", *target, *source, *_options(*kind), _with_extras(wheel, extras))


def lock(folder: Path, wheel: Path, constraints: Path) -> None:
    """Write the versions and hashes of the dependencies of a wheel, a file for each kind of node.

    Raises:
        WheelhouseError: pip cannot find one of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in LOCKED:
        of_node = _resolved(str(wheel), constraints, kind)
        _write_lock(lock_file(*kind, folder), "The dependencies of a node", of_node)
        for extra in EXTRAS:
            added = _resolved(_with_extras(wheel, [extra]), constraints, kind) - of_node
            title = f"The dependencies of the extra `{extra}`, beside those of a node"
            _write_lock(lock_file(*kind, folder, extra=extra), title, added)


def lock_file(machine: str, python: str, folder: Path = LOCKS, extra: str = "") -> Path:
    """Return the file with the versions and hashes for a kind of host, or with those that an extra adds."""
    return folder / f"{machine}-python{python}{extra and '-' + extra}.txt"


def _with_extras(wheel: Path, extras: Sequence[str]) -> str:
    return f"{wheel}[{','.join(extras)}]" if extras else str(wheel)


def accepted_hashes() -> set[str]:
    """Return the SHA-256 of all wheels that the lock files name."""
    return {found for file in LOCKS.glob("*.txt") for found in _HASH.findall(file.read_text(encoding="utf-8"))}


def _resolved(wanted: str, constraints: Path, kind: tuple[str, str]) -> set[str]:
    """Return a line of a lock file for each dependency of the wheel that is wanted."""
    with tempfile.TemporaryDirectory() as empty:
        report = Path(empty) / "report.json"
        target = ("--dry-run", "--ignore-installed", "--target", empty, "--report", str(report))
        _pip("install", *target, "--constraint", str(constraints), *_options(*kind), wanted)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {_locked(each) for each in found if each["metadata"]["name"] != "starling-edge"}


def _write_lock(file: Path, title: str, lines: set[str]) -> None:
    head = f"# {title}, by `python deploy/wheelhouse.py lock deploy/requirements`.\n"
    file.write_text(head + "".join(sorted(lines)), encoding="utf-8")


def _locked(package: dict[str, dict[str, Any]]) -> str:
    metadata = package["metadata"]
    archive = package["download_info"]["archive_info"]
    return f"{metadata['name']}=={metadata['version']} --hash=sha256:{archive['hashes']['sha256']}\n"


def _check_hash(path: Path, accepted: set[str]) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found not in accepted:
        raise WheelhouseError(
            f"{path} is not the wheel that deploy/requirements/ names (its sha256 is {found}): it was changed, or is "
            "another build; delete it, and run `fill` again"
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
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (fixed arguments)
    if done.returncode:
        raise WheelhouseError("; ".join(_reasons(done.stdout, done.stderr)))


def _reasons(output: str, errors: str) -> list[str]:
    """Extract the reasons from pip's output: conflicting requirements, which name the missing wheel, then errors."""
    _, _, conflict = output.partition("The conflict is caused by:\n")
    together = [line.strip() for line in conflict.partition("\n\n")[0].splitlines()]
    return together + ([line for line in errors.splitlines() if line.startswith("ERROR:")] or [errors.strip()])


def _options(machine: str, python: str) -> list[str]:
    """Return pip's options for the node's architecture and Python."""
    manylinux = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms = [f"--platform={tag}" for tag in (*manylinux, f"manylinux2014_{machine}", f"linux_{machine}")]
    return ["--only-binary=:all:", f"--python-version={python}", *platforms]


def _built_wheel(folder: str) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", folder, str(CHECKOUT))
    return next(Path(folder).glob("starling_edge-*.whl"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Fill or check a folder of wheels for nodes without internet, or lock their hashes."
    )
    parser.add_argument("command", choices=["fill", "check", "lock"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--machine", default="aarch64", help="the node's `uname -m` (default: %(default)s)")
    parser.add_argument("--python", default="3.11", help="the node's Python version (default: %(default)s)")
    parser.add_argument(
        "--extra",
        action="append",
        default=[],
        choices=EXTRAS,
        help="check: the host also needs this extra's wheels",
    )
    parser.add_argument("--wheel", type=Path, help="Starling's wheel (default: built from this checkout)")
    parser.add_argument("--constraints", type=Path, default=CHECKOUT / "deploy" / "constraints.txt")
    return parser.parse_args()


def main() -> None:
    """Run the command; an error becomes one line and exit code 1."""
    given = _arguments()
    try:
        with tempfile.TemporaryDirectory() as build:
            wheel = given.wheel or _built_wheel(build)
            if given.command == "lock":
                lock(given.folder, wheel, given.constraints)
            elif given.command == "fill":
                fill(given.folder, wheel, given.constraints, (given.machine, given.python))
            else:
                kind = (given.machine, given.python)
                check(given.folder, wheel, given.constraints, kind, given.extra)
    except WheelhouseError as error:
        sys.exit(f"wheelhouse: {error}")


if __name__ == "__main__":
    main()
