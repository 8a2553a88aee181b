import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from stream import __version__
from stream.errors import ListenError
from stream.settings import HttpSettings, Settings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web.server import serve_http

STUCK_SECONDS = 60.0


def settings(**http: Any) -> Settings:
    return load_settings(overrides={"node": "pi-1", "http": {"port": 0, **http}})


@dataclass
class Served:
    """A running HTTP server and its client."""

    client: aiohttp.ClientSession
    metrics: Metrics = field(default_factory=Metrics)
    health: Health = field(default_factory=lambda: Health(STUCK_SECONDS))

    async def json(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self.client.get(path) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


@asynccontextmanager
async def serving(**http: Any) -> AsyncIterator[Served]:
    metrics, health = Metrics(), Health(STUCK_SECONDS)
    async with (
        serve_http(settings(**http), metrics, health) as address,
        aiohttp.ClientSession(address) as client,
    ):
        yield Served(client, metrics, health)


async def test_metrics_are_served_as_prometheus_reads_them(served: Served) -> None:
    served.metrics.received.inc(3)
    async with served.client.get("/metrics") as answer:
        assert answer.status == HTTPStatus.OK
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        values = {sample.name: sample.value for family in parse(await answer.text()) for sample in family.samples}
    assert values["starling_tweets_received_total"] == 3


async def test_healthz_is_ok_before_the_service_is_ready(served: Served) -> None:
    status, body = await served.json("/healthz")
    assert status == HTTPStatus.OK
    assert body.keys() == {"status", "node", "version", "uptime_seconds"}
    assert (body["status"], body["node"], body["version"]) == ("ok", "pi-1", __version__)
    assert body["uptime_seconds"] >= 0


async def test_a_service_is_not_ready_until_nothing_is_missing(served: Served) -> None:
    assert await served.json("/readyz") == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"ready": False, "missing": ["the model is being loaded", "the broker is not connected"]},
    )
    served.health.model_loaded = served.health.broker_connected = True
    assert await served.json("/readyz") == (HTTPStatus.OK, {"ready": True, "missing": []})


async def test_a_stopping_service_is_not_ready(served: Served) -> None:
    served.health.model_loaded = served.health.broker_connected = served.health.stopping = True
    assert (await served.json("/readyz"))[0] == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_stuck_service_is_neither_healthy_nor_ready(served: Served) -> None:
    served.health.model_loaded = served.health.broker_connected = True
    with served.health.watching(lambda: 61.0):
        status, body = await served.json("/healthz")
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert body["status"] == "a tweet or an inference has been under way for 61 s"
        assert (await served.json("/readyz"))[0] == HTTPStatus.SERVICE_UNAVAILABLE


async def test_other_paths_are_not_found(served: Served) -> None:
    async with served.client.get("/nowhere") as answer:
        assert answer.status == HTTPStatus.NOT_FOUND


async def test_nothing_can_be_changed_over_http(served: Served) -> None:
    async with served.client.post("/readyz") as answer:
        assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_the_address_has_the_port_in_use() -> None:
    async with serve_http(settings(), Metrics(), Health(STUCK_SECONDS)) as address:
        host, _, port = address.removeprefix("http://").rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_is_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("IPv6 is turned off on this machine")
    async with serving(host="::1") as served:
        assert (await served.json("/healthz"))[0] == HTTPStatus.OK


async def test_a_busy_port_is_a_listen_error_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"cannot serve /metrics on 127.0.0.1:{port}: .*in use.*set http.host"):
            async with serve_http(settings(port=port), Metrics(), Health(STUCK_SECONDS)):
                pass


async def test_an_address_of_another_machine_is_a_listen_error() -> None:
    with pytest.raises(ListenError, match=r"cannot serve /metrics on 192\.0\.2\.1:0: "):
        async with serve_http(settings(host="192.0.2.1"), Metrics(), Health(STUCK_SECONDS)):
            pass


async def test_the_port_is_free_again_afterwards() -> None:
    async with serve_http(settings(), Metrics(), Health(STUCK_SECONDS)) as address:
        port = int(address.rpartition(":")[2])
    async with serving(port=port) as served:
        assert (await served.json("/healthz"))[0] == HTTPStatus.OK


def test_the_default_address_is_local() -> None:
    assert (HttpSettings().host, HttpSettings().port) == ("127.0.0.1", 9108)
