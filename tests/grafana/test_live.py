"""Every query of every panel and rule returns data from a real Prometheus that scrapes real nodes.

Data is required because Prometheus answers a query for a misspelt metric with success and no series.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from stream.commands.demo.demo import sample_tweets
from stream.commands.demo.entities import ENTITIES
from stream.feed.feeder import Feeder, FeedOptions
from stream.feed.http import open_session
from stream.feed.sources.bluesky import BlueskySource
from stream.free_port import free_port
from stream.power.current import NOMINAL_ZERO
from stream.power.frames import ZERO_SCALE
from stream.power.link import open_meter
from stream.power.simulator import simulated_uno
from stream.settings import BlueskySettings, BrokerSettings, FeedSettings, HttpSettings, PowerSettings, Settings
from stream.telemetry import resources
from tests.feed.jetstream import Jetstream
from tests.feed.posts import jetstream_commit
from tests.grafana.data import eventually_all_with_data, failing_rules
from tests.grafana.history import history_of_labels
from tests.grafana.invented_fleet import invented_history
from tests.grafana.prometheus import PROGRAM, prometheus
from tests.grafana.queries import all_queries, dashboards, with_values
from tests.integration import mosquitto
from tests.integration.certificates import Certificates
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for
from tests.unit.tiny_bundle import write_bundle

pytestmark = [
    pytest.mark.broker,
    pytest.mark.prometheus,
    pytest.mark.skipif(mosquitto.PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto"),
    pytest.mark.skipif(PROGRAM is None, reason="Prometheus is not installed: apt-get install prometheus"),
]
IDLE_WATTS = "starling_power_idle_watts"


@pytest.fixture
def raspberry_pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this machine report the values that only a Raspberry Pi with Wi-Fi and timesyncd reports."""
    throttled = tmp_path / "soc" / "firmware" / "get_throttled"
    throttled.parent.mkdir(parents=True)
    throttled.write_text("50005\n")
    monkeypatch.setattr(resources, "_PLATFORM", tmp_path)
    wireless, heading = tmp_path / "wireless", "Inter-| sta-|   Quality\n face | tus | link level noise\n"
    wireless.write_text(f"{heading} wlan0: 0000   54.  -56.  -256        0      0      0      0    237        0\n")
    monkeypatch.setattr(resources, "_WIRELESS_FILE", wireless)
    monkeypatch.setattr(resources, "_TIME_SYNCHRONISATION", tmp_path)
    (tmp_path / "synchronized").touch()
    thermal = {"cpu_thermal": [SimpleNamespace(current=61.5)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: thermal)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: SimpleNamespace(current=1500.0))


@asynccontextmanager
async def metered(simulator: Path) -> AsyncIterator[PowerSettings]:
    async with simulated_uno(simulator, signals={"amperes": 0.6, "noise": 0.0035}) as uno:
        async with open_meter(uno.port) as meter:
            await meter.identify()
            await meter.ask(f"T{NOMINAL_ZERO * ZERO_SCALE:.0f}")
        yield PowerSettings(port=uno.port, supply_volts=5.1)


@asynccontextmanager
async def running(nodes: Iterable[Settings]) -> AsyncIterator[dict[str, str]]:
    """Run nodes; yields the address of each node's metrics."""
    addresses: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for node in nodes:
            listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            await stack.enter_async_context(serving(node, listening.set_result))
            addresses[node.node] = (await listening).removeprefix("http://")
        yield addresses


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[None]:
    """Publish the samples repeatedly, including those that are rejected."""

    async def send() -> None:
        async with probing(settings) as sender:
            for tweet in itertools.cycle(sample_tweets()):
                await sender.send(tweet)
                await asyncio.sleep(0.02)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait([sending])


@asynccontextmanager
async def feeding(broker: BrokerSettings, folder: Path) -> AsyncIterator[str]:
    """Run a feeder that publishes a few posts; yields the address of its metrics."""
    async with (
        Jetstream([jetstream_commit(number) for number in range(20)]).running() as address,
        open_session() as web,
    ):
        settings = Settings(
            broker=broker,
            http=HttpSettings(port=0),
            feed=FeedSettings(http_port=0, state_folder=folder / "feed"),
            bluesky=BlueskySettings(instances=[address]),
        )
        feeder = Feeder(settings, BlueskySource(settings, web), FeedOptions(topic="feed/posts"))
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        feeder.on_listening = listening.set_result
        running = asyncio.create_task(feeder.run(), name="feeder")
        try:
            yield (await listening).removeprefix("http://")
        finally:
            feeder.stop()
            await running


async def test_a_graph_of_fifty_nodes_has_the_same_ten_lines_for_the_whole_time(tmp_path: Path) -> None:
    graphs = [panel for panel in dashboards()["fleet.json"]["panels"] if panel["type"] == "timeseries"]
    queries = [
        (panel["title"], target["expr"])
        for panel in graphs
        for target in panel["targets"]
        if "@ end()" in target["expr"] and "[1d]" not in target["expr"]
    ]
    async with prometheus(tmp_path, {}, invented_history(900), rules=()) as server:
        lines = {
            title: len(await server.range(with_values(expression, "1m", "10m"), 600, 15))
            for title, expression in queries
        }
    assert lines == {title: 10 for title, _ in queries}


@pytest.mark.usefixtures("raspberry_pi")
async def test_every_panel_and_every_rule_has_data_while_tweets_are_published(tmp_path: Path, simulator: Path) -> None:
    certificates, tls_port = Certificates(tmp_path), free_port()
    tls = f"listener {tls_port} 127.0.0.1\n{certificates.broker_options(ask_clients=True)}"
    options = f"allow_anonymous true\nsys_interval 1\n{tls}"
    login = {
        "tls": True,
        "ca_file": certificates.ca,
        "certificate_file": certificates.node_certificate,
        "key_file": certificates.node_key,
    }
    entities = list(ENTITIES)
    other_model = write_bundle(tmp_path / "bundle")
    with Mosquitto(tmp_path, options, log_type="error") as broker:
        async with AsyncExitStack() as stack:
            power = await stack.enter_async_context(metered(simulator))
            nodes = [
                settings_for(
                    broker.port,
                    node="pi-1",
                    power=power,
                    entities=entities,
                    broker={"group": "all", "sys_metrics": True},
                ),
                settings_for(
                    tls_port,
                    node="pi-2",
                    model={"path": other_model},
                    entities=entities,
                    broker={"group": "all"} | login,
                ),
            ]
            addresses = await stack.enter_async_context(running(nodes))
            feeder = await stack.enter_async_context(feeding(nodes[0].broker, tmp_path))
            server = await stack.enter_async_context(
                prometheus(tmp_path, addresses, history_of_labels(), feeder=feeder)
            )
            assert await eventually_all_with_data(server, [("idle", IDLE_WATTS)]) == []
            await stack.enter_async_context(publishing(nodes[0]))
            assert await eventually_all_with_data(server, all_queries()) == []
            assert await failing_rules(server) == []
            await server.values(dashboards()["fleet.json"]["annotations"]["list"][0]["target"]["expr"])  # is valid
            assert await server.get("label/instance/values", **{"match[]": 'up{job="starling"}'}) == ["pi-1", "pi-2"]
            assert await server.values("count(count by (sha256) (starling_model_info))") == [2]
