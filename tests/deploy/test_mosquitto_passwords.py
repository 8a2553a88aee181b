"""The role's module for Mosquitto's password file."""

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


def test_another_password_does_not_match_the_hash() -> None:
    assert not module.matches("guess", module.hashed("secret", SALT))


@pytest.mark.parametrize("entry", ["", "$7$x", "secret", "$6$101$c2FsdA==$AAAA", "$7$1$not base64$AAAA"])
def test_an_invalid_entry_matches_no_password(entry: str) -> None:
    assert not module.matches("secret", entry)


def test_a_written_file_is_up_to_date() -> None:
    users = {"pi-1": "one", "pi-2": "two"}

    assert module.up_to_date(module.entries_of(module.contents_for(users)), users)


@pytest.mark.parametrize("users", [{"pi-1": "one"}, {"pi-1": "one", "pi-2": "other"}, {}])
def test_a_file_with_other_users_or_passwords_is_not_up_to_date(users: dict[str, str]) -> None:
    entries = module.entries_of(module.contents_for({"pi-1": "one", "pi-2": "two"}))

    assert not module.up_to_date(entries, users)
