"""A fleet with TLS for MQTT and metrics."""

import asyncio
from pathlib import Path
from typing import Any

import trustme

from tests.fleet.conftest import Fleet
from tests.fleet.load import load
from tests.fleet.playbooks import NODES, SECRETS


def _certified(fleet: Fleet, folder: Path) -> dict[str, Any]:
    """Create an authority and certificates; returns the variables that use them."""
    authority, names = trustme.CA(), [machine.address for machine in fleet.machines.values()]
    server = authority.issue_cert(*names)
    files = {name: folder / name for name in ("ca.pem", "server.pem", "server.key")}
    authority.cert_pem.write_to_path(files["ca.pem"])
    server.cert_chain_pems[0].write_to_path(files["server.pem"])
    server.private_key_pem.write_to_path(files["server.key"])
    ca, certificate, key = map(str, files.values())
    return {
        "mosquitto_certificate": certificate,
        "mosquitto_key": key,
        "mosquitto_ca_certificate": ca,
        "starling_broker_tls": True,
        "starling_broker_ca_certificate": ca,
        "starling_http_certificate": certificate,
        "starling_http_key": key,
        "starling_http_ca_certificate": ca,
    }


def _accepts_without_tls(fleet: Fleet) -> bool:
    subscribing = f"mosquitto_sub -u reader -P {SECRETS['reader']} -t tweets/polarity -E -W 5 >&- 2>&-; echo $?"
    return fleet.broker.run(subscribing) == "0"


async def test_a_fleet_is_switched_to_tls_and_back(fleet: Fleet, tmp_path: Path) -> None:
    assert _accepts_without_tls(fleet)
    variables = _certified(fleet, tmp_path)
    try:
        secured = await asyncio.to_thread(fleet.playbooks.run, "site.yml", **variables)
        assert secured.exit_code == 0, secured.output[-4000:]
        async with load(fleet.broker.address, tmp_path, authority=tmp_path / "ca.pem") as counted:
            await counted.until_sent(100)
        assert (counted.lost, set(counted.by_node())) == (set(), set(NODES))
        assert await asyncio.to_thread(fleet.scraped) == set(NODES)
        assert not _accepts_without_tls(fleet)
    finally:
        plain = await asyncio.to_thread(fleet.playbooks.run, "site.yml")
    assert (plain.exit_code, fleet.ready()) == (0, set(NODES)), plain.output[-4000:]
