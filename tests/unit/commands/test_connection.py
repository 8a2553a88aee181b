"""The broker's address on the command line."""

from pathlib import Path

import pytest

from stream.commands.connection import settings_for
from stream.errors import SettingsError


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("mqtt.home", "mqtt.home", 1883),
        ("mqtt.home:2000", "mqtt.home", 2000),
        ("10.0.0.7:2000", "10.0.0.7", 2000),
        ("[fe80::1]:2000", "fe80::1", 2000),
        ("[fe80::1]", "fe80::1", 1883),
        ("fe80::1", "fe80::1", 1883),
        ("::1", "::1", 1883),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(address: str, host: str, port: int) -> None:
    broker = settings_for(None, address).broker
    assert (broker.host, broker.port) == (host, port)


@pytest.mark.parametrize("address", ["mqtt.home:", "mqtt.home:many", "mqtt.home:-1", "mqtt.home:\xb2", "[::1]:x"])
def test_a_port_that_is_no_number_is_a_settings_error_that_shows_the_address(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_for(None, address)
    assert str(caught.value) == f"--broker {address}: the port must be a number, as in localhost:1883"


@pytest.mark.parametrize(("address", "key"), [("mqtt.home:70000", "broker.port"), (":1883", "broker.host")])
def test_an_address_that_cannot_be_is_a_settings_error(address: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} in the settings: "):
        settings_for(None, address)


def test_the_address_goes_over_file_and_environment_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "starling.toml"
    path.write_text('[broker]\nhost = "from.file"\nport = 2000\nusername = "ada"\n', encoding="utf-8")
    monkeypatch.setenv("STARLING_BROKER__HOST", "from.environment")
    broker = settings_for(path, "from.command").broker
    assert (broker.host, broker.port, broker.username) == ("from.command", 2000, "ada")


def test_without_an_address_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "starling.toml"
    path.write_text('[broker]\nhost = "from.file"\n', encoding="utf-8")
    assert settings_for(path, None).broker.host == "from.file"
