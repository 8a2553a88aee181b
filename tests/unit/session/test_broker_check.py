"""The check of a broker, against brokers that do what few real ones do."""

import pytest

from stream.errors import BrokerError
from stream.mqtt.packets import CONNECT, SUBSCRIBE
from stream.session.proof import prove_sharing
from stream.settings import Settings
from tests.unit.mqtt.scripted_broker import Peer, connack, scripted_broker


async def test_a_broker_that_hangs_up_on_a_shared_subscription_is_named_as_such() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(version_5=False))
        await peer.expect(SUBSCRIBE)

    async with scripted_broker(script, protocol="3.1.1", group="kitchen") as broker:
        with pytest.raises(BrokerError, match=r"no shared subscription .* leave out broker\.group"):
            await prove_sharing(Settings(node="test", broker=broker), "starling/test/check")
