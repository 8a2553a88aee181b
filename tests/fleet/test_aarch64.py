"""The wheels for a Raspberry Pi, under qemu."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fleet import image

_LIBRARIES = (
    "python3-minimal python3.11-minimal libpython3.11-stdlib libc6 libstdc++6 zlib1g libssl3 libffi8 libexpat1 "
    "libbz2-1.0 liblzma5 libuuid1 libsqlite3-0 media-types ca-certificates"
)


def _missing_requirement() -> str | None:
    if shutil.which("arch-test") is None:
        return "arch-test is missing"
    runs = subprocess.run(["arch-test", "arm64"], check=False, capture_output=True).returncode == 0
    return None if runs else "this machine cannot run arm64 programs (qemu-user-static; update-binfmts --enable)"


@pytest.fixture(scope="session")
def root(wheel: Path) -> Path:
    """The root folder of an arm64 Debian with Starling, which is not booted."""
    if missing := _missing_requirement():
        pytest.skip(missing)
    image.FOLDER.mkdir(exist_ok=True)
    root = image.FOLDER / "arm64"
    if not (root / "usr/bin/python3.11").exists():
        options = ["--quiet", "--variant=extract", "--architectures=arm64", f"--include={_LIBRARIES.replace(' ', ',')}"]
        subprocess.run(["mmdebstrap", *options, image.BOOKWORM.suite, root], check=True)
    wheelhouse = image.FOLDER / "wheelhouse-aarch64"
    program = image.CHECKOUT / "deploy" / "wheelhouse.py"
    kind = ["--wheel", str(wheel), "--machine", "aarch64", "--python", "3.11"]
    subprocess.run([sys.executable, program, "fill", wheelhouse, *kind], check=True)
    subprocess.run([sys.executable, program, "check", wheelhouse, *kind], check=True)
    _unpack(wheelhouse, root / "opt/starling")
    return root


def _unpack(wheelhouse: Path, folder: Path) -> None:
    """Unpack the wheels into a folder as pip does; pip itself would take minutes under qemu."""
    shutil.rmtree(folder, ignore_errors=True)
    for wheel in wheelhouse.glob("*.whl"):
        subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, folder], check=True)


def run(root: Path, *arguments: str, stdin: str = "") -> str:
    """Run arm64 Python with Starling on its path; returns its output."""
    command = ["chroot", str(root), "/usr/bin/python3.11", *arguments]
    environment = {"PYTHONPATH": "/opt/starling", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_starling_labels_a_tweet_on_aarch64(root: Path) -> None:
    tweet = '{"id": "1", "text": "I love this little bird, it sings all day!"}\n'

    machine = run(root, "-c", "import os; print(os.uname().machine)")
    answer = json.loads(run(root, "-m", "stream", "classify", stdin=tweet))

    assert (machine, answer["polarity"]) == ("aarch64\n", "positive")
