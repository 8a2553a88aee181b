"""The check of a broker, against scripted brokers with rare behaviour."""

import pytest

from stream.errors import BrokerError
from stream.mqtt.packets import CONNECT, SUBSCRIBE
from stream.session.proof import prove_sharing
from stream.settings import Settings
from tests.unit.mqtt.scripted_broker import Peer, connack, scripted_broker


async def test_a_broker_that_disconnects_after_a_shared_subscription_is_reported() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(version_5=False))
        await peer.expect(SUBSCRIBE)

    async with scripted_broker(script, protocol="3.1.1", group="kitchen") as broker:
        with pytest.raises(BrokerError, match=r"no shared subscription .* leave out broker\.group"):
            await prove_sharing(Settings(node="test", broker=broker), "starling/test/check")
