"""An Ansible module: Mosquitto's password file.

mosquitto_passwd uses a new salt each time, so that its file always differs. This module first checks whether the file
already has hashes of the passwords, and does not change it in that case.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: mosquitto_passwords
short_description: Mosquitto's password file
description: Writes users and the hashes of their passwords, and does not change a file that has them.
author: The Starling authors
options:
  path:
    description: The file.
    type: path
    required: true
  users:
    description: Names and passwords; other users are removed from the file.
    type: dict
    required: true
extends_documentation_fragment: [files]
"""

_SCHEME = "7"
"""Mosquitto's identifier of PBKDF2 with SHA-512."""
_ROUNDS = 10_000
_SALT_BYTES = 12


def hashed(password: str, salt: bytes, rounds: int = _ROUNDS) -> str:
    """Hash a password in the format of Mosquitto's file."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"${_SCHEME}${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, entry: str) -> bool:
    """Return whether an entry of the file is a hash of this password."""
    try:
        _, scheme, rounds, salt, _ = entry.split("$")
        expected = hashed(password, base64.b64decode(salt, validate=True), int(rounds))
    except (ValueError, binascii.Error):
        return False
    return scheme == _SCHEME and hmac.compare_digest(expected, entry)


def entries_of(contents: str) -> dict[str, str]:
    """Parse users and hashes of a file."""
    return dict(line.split(":", 1) for line in contents.splitlines() if ":" in line)


def up_to_date(entries: Mapping[str, str], users: Mapping[str, str]) -> bool:
    """Return whether the entries are those of exactly these users and passwords."""
    return entries.keys() == users.keys() and all(matches(users[name], entry) for name, entry in entries.items())


def contents_for(users: Mapping[str, str]) -> str:
    """Write the contents of a file for the users, each with its own salt."""
    return "".join(f"{name}:{hashed(password, os.urandom(_SALT_BYTES))}\n" for name, password in users.items())


def _write(module: AnsibleModule, path: Path, contents: str) -> None:
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_text(contents, encoding="utf-8")
    module.atomic_move(str(new), str(path))


def main() -> None:
    """Compare the file with the users, and write it if it differs."""
    options: dict[str, dict[str, Any]] = {
        "path": {"type": "path", "required": True},
        "users": {"type": "dict", "required": True, "no_log": True},
    }
    module = AnsibleModule(options, supports_check_mode=True, add_file_common_args=True)
    path, users = Path(module.params["path"]), {name: str(value) for name, value in module.params["users"].items()}
    entries = entries_of(path.read_text(encoding="utf-8")) if path.exists() else {}
    changed = not path.exists() or not up_to_date(entries, users)
    if changed and not module.check_mode:
        _write(module, path, contents_for(users))
    if path.exists():
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(module.params), changed)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
