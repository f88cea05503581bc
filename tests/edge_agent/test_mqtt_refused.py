"""A broker that lets us connect and not hear: it says so in its answer to the subscription only."""

from types import SimpleNamespace
from typing import Any, Self

import pytest

from edge_agent.mqtt import Address, BrokerLostError, connected

ADDRESS = Address(host="127.0.0.1", port=1883, client_id="gw-1")
WANTED = ("receipts", "leases")


class Granting:
    """Connected to a broker that grants everything but what it refuses."""

    refuses = ""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.pending_calls_threshold = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def subscribe(self, topic: str, *, qos: int) -> list[Any]:
        """As MQTT 3.1.1 has it, a number, or as 5 has it, an object with one."""
        code = 0x80 if topic == self.refuses else qos
        return [code if topic == WANTED[0] else SimpleNamespace(value=code)]


@pytest.mark.parametrize("topic", WANTED)
async def test_an_agent_that_may_not_hear_is_not_connected(
    topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its receipts nothing would ever leave the outbox, and it would look well."""
    monkeypatch.setattr("edge_agent.mqtt.Client", Granting)
    async with connected(ADDRESS, will=("t", b""), subscriptions=WANTED):
        pass
    monkeypatch.setattr(Granting, "refuses", topic)
    with pytest.raises(BrokerLostError, match="access rules"):
        async with connected(ADDRESS, will=("t", b""), subscriptions=WANTED):
            pytest.fail("it is deaf")
