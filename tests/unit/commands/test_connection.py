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
def test_a_port_that_is_not_a_number_is_a_settings_error_that_shows_the_address(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_for(None, address)
    assert str(caught.value) == f"--broker {address}: the port must be a number, as in localhost:1883"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mqtt.home:70000", "broker.port in --broker mqtt.home:70000: "),
        (":1883", "broker.host in --broker :1883: "),
        ("mqtt://mqtt.home:1883", "--broker mqtt://mqtt.home:1883: write the address alone, without 'mqtt://'"),
        ("ada@mqtt.home", "broker.host in --broker ada@mqtt.home: "),
    ],
)
def test_a_wrong_address_is_blamed_on_the_option(tmp_path: Path, address: str, says: str) -> None:
    path = tmp_path / "starling.toml"
    path.write_text('[broker]\nhost = "localhost"\nport = 1883\n', encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        settings_for(path, address)
    assert str(caught.value).startswith(says)
    assert str(path) not in str(caught.value)


def test_the_address_overrides_file_and_environment_only_for_itself(
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
