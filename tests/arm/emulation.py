"""Run Starling's arm64 wheels on an emulated Raspberry Pi.

QEMU looks up each absolute path in a folder of its own first (`-L`). So that folder holds a Debian for arm64, and the
/proc/cpuinfo of the board: LiteRT reads it to choose its kernels, crashes on that of an x86-64 processor, and without
/sys falls back to slow kernels in silence. Neither root nor a mount is needed.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.arm.boards import Board

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / ".arm"
"""Cache between runs: the Debian, the wheels, the unpacked installation."""
PYTHON = "3.11"
_SUITE = "bookworm"
_PACKAGES = (
    f"python3-minimal python{PYTHON}-minimal libpython{PYTHON}-stdlib libc6 libstdc++6 zlib1g "
    "libssl3 libffi8 libexpat1 libbz2-1.0 liblzma5 libuuid1 libsqlite3-0 media-types ca-certificates"
).split()
_QEMU = "qemu-aarch64"
_PLUGIN = Path(__file__).with_name("count_instructions.c")


def missing() -> str | None:
    """Return why nothing can be emulated here, or None."""
    programs = (_QEMU, "mmdebstrap", "gcc")
    absent = [program for program in programs if shutil.which(program) is None]
    return f"needs {', '.join(absent)} (Debian: qemu-user mmdebstrap gcc)" if absent else None


@dataclass(frozen=True)
class Installation:
    """An arm64 Debian with Starling installed from wheels.

    Args:
        debian: The folder of the Debian.
        wheelhouse: The wheels that were installed, Starling's own among them.
        site: The folders that they were installed into: Starling's own, and the one of what it depends on.
    """

    debian: Path
    wheelhouse: Path
    site: tuple[Path, Path]

    def command(self, board: Board, *arguments: str, plugin: str | Path | None = None) -> list[str]:
        """Return the command that runs Python with these arguments on a board.

        Args:
            board: The board.
            arguments: Arguments of Python.
            plugin: File of a plugin of QEMU; its options follow after commas.
        """
        load = ["-plugin", str(plugin)] if plugin else []
        root = self._root(board)
        return [_QEMU, "-cpu", board.cpu, *load, "-L", str(root), str(root / f"usr/bin/python{PYTHON}"), *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment for such a command."""
        return {"PYTHONPATH": os.pathsep.join(map(str, self.site)), "PATH": os.environ["PATH"]}

    def run(
        self,
        board: Board,
        *arguments: str,
        stdin: bytes = b"",
        plugin: str | Path | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run Python on a board, and wait for its end."""
        return subprocess.run(
            self.command(board, *arguments, plugin=plugin),
            env=self.environment(),
            input=stdin,
            capture_output=True,
            check=False,
        )

    def _root(self, board: Board) -> Path:
        """Return the folder that a board sees as /: the Debian, and the board's own /proc/cpuinfo."""
        root = FOLDER / board.cpu
        (root / "proc").mkdir(parents=True, exist_ok=True)
        # Several processes of the tests may do this at once, beside emulated programs that read it.
        cpuinfo = root / "proc" / "cpuinfo"
        written = cpuinfo.with_name(f"cpuinfo-{os.getpid()}")
        written.write_text(board.cpuinfo, encoding="ascii")
        written.replace(cpuinfo)
        for entry in self.debian.iterdir():
            with contextlib.suppress(FileExistsError):
                (root / entry.name).symlink_to(entry)
        return root


def installed() -> Installation:
    """Return what `install` made."""
    return Installation(FOLDER / "debian", FOLDER / "wheelhouse", (FOLDER / "starling", FOLDER / "dependencies"))


def install(wheel: Path) -> None:
    """Make the Debian, where there is none yet, and install a wheel into it from wheels alone, offline."""
    FOLDER.mkdir(exist_ok=True)
    target = installed()
    if not (target.debian / f"usr/bin/python{PYTHON}").exists():
        _unpack_debian(target.debian)
    fill_wheelhouse(target.wheelhouse, wheel)
    starling, dependencies = target.site
    _install_dependencies(target.wheelhouse, dependencies)
    _pip_install(target.wheelhouse, starling, "--no-deps")


def build_plugin() -> Path:
    """Compile the plugin that counts instructions."""
    built = FOLDER / "count_instructions.so"
    FOLDER.mkdir(exist_ok=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", built, _PLUGIN], check=True)
    return built


def build_wheel(folder: Path) -> Path:
    """Build Starling's wheel of this checkout."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, CHECKOUT], check=True)
    return next(folder.glob("starling_edge-*.whl"))


def fill_wheelhouse(wheelhouse: Path, wheel: Path) -> None:
    """Download the arm64 wheels of what a wheel of Starling depends on, and add that wheel."""
    for old in wheelhouse.glob("starling_edge-*.whl"):
        old.unlink()
    kind = ["--wheel", str(wheel), "--machine", "aarch64", "--python", PYTHON]
    program = CHECKOUT / "deploy" / "wheelhouse.py"
    for action in ("fill", "check"):
        subprocess.run([sys.executable, program, action, wheelhouse, *kind], check=True)


def _unpack_debian(folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    options = ["--quiet", "--variant=extract", "--architectures=arm64", f"--include={','.join(_PACKAGES)}"]
    subprocess.run(["mmdebstrap", *options, _SUITE, partial], check=True)
    partial.rename(folder)


def _install_dependencies(wheelhouse: Path, target: Path) -> None:
    """Install what Starling depends on, unless these very wheels are installed."""
    wheels = sorted(wheel.name for wheel in wheelhouse.glob("*.whl") if not wheel.name.startswith("starling_edge-"))
    record = target / "wheels.txt"
    if record.exists() and record.read_text(encoding="utf-8").splitlines() == wheels:
        return
    _pip_install(wheelhouse, target)
    shutil.rmtree(target / "stream")
    shutil.rmtree(target / "training")
    record.write_text("\n".join(wheels), encoding="utf-8")


def _pip_install(wheelhouse: Path, target: Path, *options: str) -> None:
    """Install Starling with this machine's pip, for pip under emulation takes minutes."""
    shutil.rmtree(target, ignore_errors=True)
    tags = [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 24, 26, 27, 28, 31, 34, 35, 36)]
    kind = [
        "--only-binary=:all:",
        f"--python-version={PYTHON}",
        "--implementation=cp",
        "--platform=manylinux2014_aarch64",
    ]
    source = ["--no-index", "--find-links", str(wheelhouse), "--target", str(target)]
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *options, *source, *kind, *tags, "starling-edge"], check=True)


def main() -> None:
    """Make everything that the tests need."""
    if reason := missing():
        sys.stderr.write(f"The ARM tests will be skipped: {reason}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        install(build_wheel(Path(folder)))
    build_plugin()


if __name__ == "__main__":
    main()
