"""Mosquitto's password file, as the role's module writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploy.roles import plugin

pytest.importorskip("ansible", reason="needs ansible-core, which `make test-fleet` installs")
module = plugin("mosquitto/library/mosquitto_passwords.py")

SALT = b"twelve bytes"


@given(st.text(min_size=1, max_size=30), st.binary(min_size=12, max_size=12))
def test_a_password_matches_its_own_hash(password: str, salt: bytes) -> None:
    assert module.matches(password, module.hashed(password, salt, rounds=1))


def test_another_password_does_not() -> None:
    assert not module.matches("guess", module.hashed("secret", SALT))


@pytest.mark.parametrize("entry", ["", "$7$x", "secret", "$6$101$c2FsdA==$AAAA", "$7$1$not base64$AAAA"])
def test_an_entry_that_is_none_matches_nothing(entry: str) -> None:
    assert not module.matches("secret", entry)


def test_a_file_that_was_written_is_left_alone() -> None:
    users = {"pi-1": "one", "pi-2": "two"}

    assert module.right(module.entries_of(module.contents_for(users)), users)


@pytest.mark.parametrize("users", [{"pi-1": "one"}, {"pi-1": "one", "pi-2": "other"}, {}])
def test_a_file_with_other_users_or_passwords_is_written_anew(users: dict[str, str]) -> None:
    entries = module.entries_of(module.contents_for({"pi-1": "one", "pi-2": "two"}))

    assert not module.right(entries, users)
