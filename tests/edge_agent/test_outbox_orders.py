"""Announced orders rest beside the records."""

from pathlib import Path

import msgspec

from contract.messages import Order
from edge_agent.outbox import Outbox


def order(issued: int, article: str = "bracket") -> Order:
    return Order(
        id=f"o-{issued}",
        order_id="4711",
        tenant="t",
        article=article,
        by="mes",
        wanted=5,
        due=None,
        closed=False,
        issued=issued,
    )


def test_the_latest_announcement_of_an_order_survives_a_restart(tmp_path: Path) -> None:
    def opened() -> Outbox:
        return Outbox.open(
            tmp_path / "outbox.db", site="s", gateway="g", limit_bytes=1, ring_bytes=1, ring_ms=1
        )

    with opened() as outbox:
        for announced in (order(5), order(9, "支架"), order(7)):
            outbox.put_order(announced)
        outbox.put_order(msgspec.structs.replace(order(1), order_id="4712"))
    with opened() as outbox:
        assert outbox.orders() == {
            "4711": order(9, "支架"),
            "4712": msgspec.structs.replace(order(1), order_id="4712"),
        }
