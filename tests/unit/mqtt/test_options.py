"""The contents of CONNECT, taken from the settings."""

from pathlib import Path

import pytest

from stream.errors import SettingsError
from stream.mqtt.options import login
from stream.mqtt.packets import Login, Will
from stream.settings import BrokerSettings

WILL = Will("starling/pi/status", b"offline", retain=True)


def test_all_options_come_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    settings = BrokerSettings(
        username="ada",
        password_file=tmp_path / "password",
        receive_maximum=7,
        keepalive_seconds=9,
        session_expiry_seconds=60,
    )
    assert login(settings, "pi", WILL, persistent=True) == Login(
        client_id="pi",
        keepalive_seconds=9,
        clean_start=False,
        session_expiry_seconds=60,
        receive_maximum=7,
        username="ada",
        password=b"secret",
        will=WILL,
    )


def test_a_session_that_is_not_persistent_begins_anew_and_ends_with_the_connection() -> None:
    found = login(BrokerSettings(session_expiry_seconds=60), "pi", None, persistent=False)
    assert (found.clean_start, found.session_expiry_seconds) == (True, 0)
    assert (found.username, found.password, found.will) == (None, None, None)


def test_without_a_name_each_connection_has_a_new_one() -> None:
    names = [login(BrokerSettings(), None, None, persistent=False).client_id for _ in range(2)]
    assert names[0] != names[1]
    assert all(name.startswith("starling") and len(name) == 20 for name in names)  # brokers of 3.1.1 accept up to 23


def test_a_password_that_cannot_be_read_is_an_error_in_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^broker\.password_file: "):
        login(BrokerSettings(username="ada", password_file=tmp_path / "none"), "pi", None, persistent=False)
