"""Root file systems of the fleet's machines; each is built once and kept in a folder that git ignores."""

import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from stream.model.bundle import file_sha256

CHECKOUT = Path(__file__).parent.parent.parent
FOLDER = CHECKOUT / ".fleet"
USER = "pi"
_PACKAGES = (
    "apt ca-certificates dbus iproute2 openssh-server python3 python3-apt sudo systemd systemd-sysv udev".split()  # noqa: SIM905
)
_LATER_PACKAGES = "python3-venv mosquitto mosquitto-clients prometheus prometheus-alertmanager"
"""Downloaded but not installed, because the roles install them and the machines have no network."""
_FAST = [
    "--dpkgopt=force-unsafe-io",  # an unfinished root is built again, so nothing needs to reach the disk at once
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    '--aptopt=Acquire::Languages "none"',
]
"""Options that leave out work and files which no test needs."""
_UBUNTU = "http://archive.ubuntu.com/ubuntu"
_UBUNTU_KEYRING = "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
_UBUNTU_KEYRING_SHA256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"


@dataclass(frozen=True)
class System:
    """A Linux distribution that the playbooks support."""

    suite: str
    python: str
    """Version of its Python."""
    is_ubuntu: bool = False

    @property
    def root(self) -> Path:
        """Read-only root folder shared by its machines; it is built if it does not exist."""
        root = FOLDER / self.suite
        key = ssh_key()
        if not root.exists():
            unfinished = root.with_suffix(".unfinished")
            subprocess.run(["rm", "-rf", unfinished], check=True)
            _build(self, unfinished, key.with_suffix(".pub").read_text(encoding="utf-8"))
            unfinished.rename(root)
        return root

    @property
    def source(self) -> list[str]:
        """Package source for mmdebstrap; empty for Debian's mirror."""
        if not self.is_ubuntu:
            return []
        return [f"deb [signed-by={_ubuntu_keyring()}] {_UBUNTU} {self.suite} main universe"]


BOOKWORM = System("bookworm", "3.11")
SYSTEMS = {each.suite: each for each in (BOOKWORM, System("trixie", "3.13"), System("noble", "3.12", is_ubuntu=True))}
NODE_SYSTEMS = [SYSTEMS[suite] for suite in os.environ.get("FLEET_SYSTEMS", "bookworm trixie noble").split()]
"""Distribution of each node. `FLEET_SYSTEMS=bookworm` is a fleet of one node, with the same image as the hub."""


def ssh_key() -> Path:
    """Return the controller's ssh key."""
    key = FOLDER / "key"
    if not key.exists():
        FOLDER.mkdir(exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def _ubuntu_keyring() -> Path:
    """Download the keyring that verifies Ubuntu's archive; Debian has no package of it."""
    folder = FOLDER / "ubuntu-keyring"
    if not folder.exists():
        package = FOLDER / Path(_UBUNTU_KEYRING).name
        urllib.request.urlretrieve(f"{_UBUNTU}/{_UBUNTU_KEYRING}", package)  # noqa: S310  (a URL with http)
        assert file_sha256(package) == _UBUNTU_KEYRING_SHA256
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return folder / "usr/share/keyrings/ubuntu-archive-keyring.gpg"


def _build(system: System, root: Path, public_key: str) -> None:
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
        *_FAST,
        "--format=directory",
        f"--include={','.join(_PACKAGES)}",
        "--skip=cleanup/apt/lists,cleanup/apt/cache,cleanup/apt",
        *(f"--customize-hook={hook}" for hook in hooks),
        system.suite,
        str(root),
        *system.source,
    ]
    subprocess.run(command, check=True)
