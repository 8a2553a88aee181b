"""The disk of an emulated Raspberry Pi: Debian for arm64, with what Raspberry Pi OS Lite has and the roles need.

This machine's dpkg unpacks the packages, and the system's own configures them, under emulation. The disk is built once
and kept in a folder that git ignores, whose name is a hash of what it is made of. A machine writes to an overlay, so
the disk stays as it is.
"""

import hashlib
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.arm.emulation import FOLDER

USER = "pi"
_SUITE = "bookworm"
_PACKAGES = (
    "?essential usr-is-merged systemd systemd-sysv udev dbus openssh-server sudo passwd python3 python3-venv "
    "iproute2 procps libstdc++6"
)
"""libstdc++6 comes with apt on every Debian, and is left out with it here."""
_SIZE = "3G"
_UNPACK = [
    "--quiet",
    "--variant=extract",
    "--architectures=arm64",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--skip=cleanup/apt",
    '--aptopt=Acquire::Languages "none"',
]
_MODULES = (
    "virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover virtio_net virtio-rng "
    "crc16 crc32c_generic mbcache jbd2 ext4 autofs4"
)
"""The kernel's modules for QEMU's devices and for the disk, each after those that it needs."""
_INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
until [ -e /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /root
exec /bin/busybox switch_root /root /sbin/init
"""
_FILES = {
    "etc/fstab": "/dev/vda / ext4 noatime 0 0\n",
    "etc/hostname": "pi-4\n",
    "etc/hosts": "127.0.0.1 localhost pi-4\n",
    "etc/systemd/network/eth0.network": (
        "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.2.15/24\nLinkLocalAddressing=no\n"
    ),
    # A slow host must not become a failed unit or a lost login.
    "etc/systemd/system.conf.d/patience.conf": (
        "[Manager]\nDefaultTimeoutStartSec=infinity\nDefaultDeviceTimeoutSec=infinity\n"
    ),
    "etc/ssh/sshd_config.d/patience.conf": "LoginGraceTime 0\n",
    f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
}
"""Files of the system. Its network is the one of QEMU's user mode, and without a gateway there is no internet."""
_KERNEL = (
    'export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && cd "$1" && apt-get download busybox-static '
    '"$(apt-cache show linux-image-arm64 | sed -n "s/^Depends: \\(linux-image[^ ]*\\).*/\\1/p" | head -n 1)"'
)
"""Downloads the kernel, which is unpacked beside the system, for its package's scripts would make another initrd."""
_CONFIGURE = f"""
export DEBIAN_FRONTEND=noninteractive QEMU_CPU=cortex-a72
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod +x usr/sbin/policy-rc.d
# Slow under emulation, and needless: the certificates of a system without internet, and the search for prime numbers.
rm var/cache/apt/archives/ca-certificates_*.deb
ssh-keygen -A -f "$PWD"
dpkg --root="$PWD" --force-unsafe-io --force-depends --unpack var/cache/apt/archives/*.deb
chroot . dpkg --force-unsafe-io --force-depends --configure --pending
rm usr/sbin/policy-rc.d var/cache/apt/archives/*.deb
chroot . useradd --create-home --shell /bin/bash {USER}
chroot . systemctl enable systemd-networkd
# Terminals that nobody uses, and a module that this kernel lacks.
chroot . systemctl mask getty@tty1 serial-getty@ttyAMA0 proc-sys-fs-binfmt_misc.automount systemd-binfmt
"""
"""Makes a system of the unpacked files. QEMU's default processor is several times slower than a Raspberry Pi's."""


@dataclass(frozen=True)
class Image:
    """Files from which an emulated machine starts.

    Args:
        folder: Folder of its files.
    """

    folder: Path

    @property
    def disk(self) -> Path:
        """Root file system; never written to."""
        return self.folder / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def key(self) -> Path:
        """Private ssh key of the user."""
        return self.folder / "key"


def image() -> Image:
    """Return the image, and build it if there is none of this kind."""
    made_of = repr((_SUITE, _PACKAGES, _SIZE, _UNPACK, _MODULES, _INIT, _FILES, _KERNEL, _CONFIGURE))
    folder = FOLDER / f"system-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    if not folder.exists():
        unfinished = FOLDER / "system-unfinished"
        for old in FOLDER.glob("system-*"):
            subprocess.run(["rm", "-rf", "--one-file-system", old], check=True)
        unfinished.mkdir(parents=True)
        _build(Image(unfinished))
        unfinished.rename(folder)
    return Image(folder)


def _build(made: Image) -> None:
    root, kernel = made.folder / "root", made.folder / "kernel"
    packages = [f"--include={package}" for package in _PACKAGES.split()]
    hook = f"--extract-hook={_KERNEL}"
    subprocess.run(["mmdebstrap", *_UNPACK, *packages, hook, "--format=directory", _SUITE, root], check=True)
    for package in root.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, kernel], check=True)
        package.unlink()
    log = made.folder / "dpkg.log"
    with log.open("wb") as file:
        subprocess.run(["sh", "-euc", _CONFIGURE], cwd=root, stdout=file, stderr=file, check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", made.key], check=True)
    _write_files(root, made.key.with_suffix(".pub").read_text(encoding="ascii"))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, made.disk, _SIZE], check=True)
    shutil.copyfile(next(kernel.glob("boot/vmlinuz-*")), made.kernel)
    made.initrd.write_bytes(_initrd(kernel))
    shutil.rmtree(root)
    shutil.rmtree(kernel)


def _write_files(root: Path, public_key: str) -> None:
    for name, text in _FILES.items():
        file = root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    home = root / "home" / USER
    keys = home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700)
    keys.write_text(public_key, encoding="ascii")
    for path in (keys.parent, keys):
        shutil.chown(path, home.stat().st_uid, home.stat().st_gid)


def _initrd(kernel: Path) -> bytes:
    """Return an archive with busybox, the modules, and the program that loads them and starts systemd."""
    modules = {path.stem: path for path in kernel.rglob("*.ko")}
    files = {f"modules/{name}.ko": modules[name].read_bytes() for name in _MODULES.split()}
    files["bin/busybox"] = (kernel / "bin" / "busybox").read_bytes()
    files["init"] = _INIT.format(modules=_MODULES).encode()
    folders = [_entry(folder, b"", stat.S_IFDIR) for folder in ("bin", "modules")]
    return b"".join([*folders, *(_entry(*file, stat.S_IFREG) for file in files.items()), _entry("TRAILER!!!", b"", 0)])


def _entry(name: str, content: bytes, kind: int) -> bytes:
    """Return an entry of a cpio archive of the kind "newc", which the kernel unpacks."""
    path = name.encode() + b"\0"
    numbers = [0, kind | 0o755, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0]
    return _padded(b"070701" + b"".join(b"%08x" % number for number in numbers) + path) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)
