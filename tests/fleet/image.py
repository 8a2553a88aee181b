"""The Debian that the fleet's machines run: made once, kept outside the repository's history."""

import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent.parent
FOLDER = CHECKOUT / ".fleet"
SUITE = "bookworm"
USER = "pi"
_PACKAGES = (
    "ca-certificates dbus iproute2 openssh-server python3 python3-apt sudo systemd systemd-sysv udev".split()  # noqa: SIM905
)
_LATER_PACKAGES = "python3-venv mosquitto mosquitto-clients prometheus"
"""Fetched and not installed: that is the roles' work, and the machines reach no mirror."""


def base_system() -> Path:
    """The root folder that all machines share and none writes to; made where it is not there yet."""
    root = FOLDER / SUITE
    key = ssh_key()
    if not root.exists():
        unfinished = root.with_suffix(".unfinished")
        subprocess.run(["rm", "-rf", unfinished], check=True)
        _make(unfinished, key.with_suffix(".pub").read_text(encoding="utf-8"))
        unfinished.rename(root)
    return root


def ssh_key() -> Path:
    """The key that the controller logs in with."""
    key = FOLDER / "key"
    if not key.exists():
        FOLDER.mkdir(exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def _make(root: Path, public_key: str) -> None:
    hooks = [
        f'chroot "$1" apt-get install --yes --no-install-recommends --download-only {_LATER_PACKAGES}',
        f'chroot "$1" useradd --create-home --shell /bin/bash {USER}',
        f'install -d -m 700 "$1/home/{USER}/.ssh"',
        f'echo "{public_key.strip()}" > "$1/home/{USER}/.ssh/authorized_keys"',
        f'chroot "$1" chown -R {USER}:{USER} /home/{USER}/.ssh',
        f'echo "{USER} ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/{USER}"',
        'rm "$1/etc/machine-id"',
    ]
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(_PACKAGES)}",
        "--skip=cleanup/apt/lists,cleanup/apt/cache,cleanup/apt",
        *(f"--customize-hook={hook}" for hook in hooks),
        SUITE,
        str(root),
    ]
    subprocess.run(command, check=True)
