"""Brokers that authenticate clients: passwords, TLS and client certificates."""

import gc
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from cryptography import x509

from stream.credentials import broker_tls
from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.service import Service
from stream.session.topics import OFFLINE
from stream.settings import Settings
from tests.integration.certificates import Certificates
from tests.integration.mosquitto import PROGRAM, Mosquitto, password_options
from tests.integration.probe import probing, serving, settings_for

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
_USER = "pi"
_PASSWORD = "s3cret: with spaces & ünïcode"  # noqa: S105


@pytest.fixture(autouse=True)
def collect_garbage() -> Iterator[None]:
    """Collect garbage after each test; otherwise Python 3.13 reports unclosed resources in a later, unrelated test."""
    yield
    gc.collect()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def _labels_a_tweet(settings: Settings) -> bool:
    async with serving(settings), probing(settings) as probe:
        await probe.tweet("1")
        return bool(await probe.label_of("1"))


def _password_options(folder: Path, access_rules: str = "") -> str:
    return password_options(folder, {_USER: _PASSWORD}, access_rules)


def _password_settings(folder: Path, password: str = _PASSWORD) -> dict[str, Any]:
    file = folder / "broker.password"
    file.write_text(f"{password}\n")
    return {"username": _USER, "password_file": file}


async def test_a_node_logs_in_with_the_password_from_a_file(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, _password_options(tmp_path)) as broker:
        assert await _labels_a_tweet(settings_for(broker.port, broker=_password_settings(tmp_path)))


async def test_the_ends_of_the_certificates_are_exported(tmp_path: Path, certificates: Certificates) -> None:
    tls = {
        "tls": True,
        "ca_file": certificates.ca,
        "certificate_file": certificates.node_certificate,
        "key_file": certificates.node_key,
    }
    files = {
        "broker": certificates.broker_certificate,
        "client": certificates.node_certificate,
        "authority": certificates.ca,
    }
    with Mosquitto(tmp_path, certificates.broker_options(ask_clients=True)) as broker:
        addresses: list[str] = []
        async with serving(settings_for(broker.port, broker=tls), addresses.append), aiohttp.ClientSession() as client:
            exposition = await (await client.get(f"{addresses[0]}/metrics")).text()
    for use, file in files.items():
        end = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc.timestamp()
        metric = f'starling_certificate_expiry_timestamp_seconds{{certificate="{use}"}} '
        assert float(exposition.partition(metric)[2].partition("\n")[0]) == end, use


async def test_a_wrong_password_is_refused_and_not_shown(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, _password_options(tmp_path)) as broker:
        settings = settings_for(broker.port, broker=_password_settings(tmp_path, "hunter2"))
        with pytest.raises(BrokerError, match=r"broker\.password_file") as caught:
            async with Connection(settings.broker):
                pass
    assert "hunter2" not in str(caught.value)


async def test_the_topic_of_a_missing_access_rule_is_named(tmp_path: Path) -> None:
    narrow = f"user {_USER}\ntopic read tweets/in\ntopic write tweets/polarity\n"
    with Mosquitto(tmp_path, _password_options(tmp_path, narrow)) as broker:
        settings = settings_for(broker.port, broker=_password_settings(tmp_path))
        with pytest.raises(BrokerError, match=r"starling/test/status.*access rules"):
            await Service(settings).run()


async def test_a_node_that_may_publish_only_its_status_and_results_labels_tweets(tmp_path: Path) -> None:
    rules = f"user {_USER}\ntopic read #\ntopic write tweets/#\ntopic write starling/test/status\n"
    with Mosquitto(tmp_path, _password_options(tmp_path, rules)) as broker:
        assert await _labels_a_tweet(settings_for(broker.port, broker=_password_settings(tmp_path)))


async def test_the_tweet_of_a_refused_label_stays_in_the_broker(tmp_path: Path) -> None:
    narrow = f"user {_USER}\ntopic readwrite tweets/in\ntopic readwrite starling/#\ntopic read tweets/#\n"
    with Mosquitto(tmp_path, _password_options(tmp_path, narrow)) as broker:
        settings = settings_for(broker.port, broker=_password_settings(tmp_path))
        async with serving(settings), probing(settings, identifier="probe") as probe:
            await probe.tweet("1")
            await probe.until(lambda: OFFLINE in probe.status)  # it disconnected after the refusal, and will reconnect
            assert not probe.labels
            (tmp_path / "rules").write_text(narrow + "topic write tweets/polarity\n")
            broker.reload()
            await probe.label_of("1")


async def test_a_node_labels_hundreds_of_tweets_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    with Mosquitto(tmp_path, certificates.broker_options(ask_clients=False)) as broker:
        settings = settings_for(broker.port, broker={"tls": True, "ca_file": certificates.ca})
        ids = {str(number) for number in range(300)}
        async with serving(settings), probing(settings) as probe:
            await probe.tweets(ids)
            await probe.until(lambda: set(probe.labelled_ids()) == ids)


async def test_a_node_sends_its_certificate_to_a_broker_that_requires_one(
    tmp_path: Path, certificates: Certificates
) -> None:
    with Mosquitto(tmp_path, certificates.broker_options(ask_clients=True)) as broker:
        tls = {"tls": True, "ca_file": certificates.ca}
        own = {"certificate_file": certificates.node_certificate, "key_file": certificates.node_key}
        assert await _labels_a_tweet(settings_for(broker.port, broker=tls | own))
        with pytest.raises(BrokerError):
            async with Connection(settings_for(broker.port, broker=tls).broker):
                pass


async def test_a_broker_with_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, certificates: Certificates
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with Mosquitto(tmp_path, certificates.broker_options(ask_clients=False)) as broker:
        settings = settings_for(broker.port, broker={"tls": True, "ca_file": other})
        with pytest.raises(BrokerError, match=r"broker\.ca_file"):
            async with Connection(settings.broker):
                pass


async def test_a_broker_whose_host_name_is_not_in_its_certificate_is_refused(
    tmp_path: Path, certificates: Certificates
) -> None:
    with Mosquitto(tmp_path, certificates.broker_options(ask_clients=False)) as broker:
        settings = settings_for(broker.port, broker={"host": "localhost", "tls": True, "ca_file": certificates.ca})
        with pytest.raises(BrokerError, match=r"broker\.host"):
            async with Connection(settings.broker):
                pass


async def test_an_error_names_a_broker_without_tls_if_tls_is_set(tmp_path: Path, certificates: Certificates) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = settings_for(broker.port, broker={"tls": True, "ca_file": certificates.ca, "timeout_seconds": 2})
        with pytest.raises(BrokerError, match=str(broker.port)):
            async with Connection(settings.broker):
                pass


def test_the_servers_certificate_is_always_verified(certificates: Certificates) -> None:
    context = broker_tls(settings_for(1, broker={"tls": True, "ca_file": certificates.ca}).broker)
    assert context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
