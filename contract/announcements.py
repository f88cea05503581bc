"""What an announcement must be, beyond its form, before an agent follows it or a collector keeps it. Pure.

Both ask here: a lease that one follows and the other refuses would be billed as nobody's.
"""

from typing import Final

from contract.messages import Lease, Order, Witness
from contract.names import TIME_LIMIT, is_name, is_order_id

FAR_AHEAD_MS: Final = 86_400_000
"""Clocks of those who announce may be ahead by this. One far ahead would silence all that follow it."""


def flaw(said: Lease | Order | Witness, named: str, now: int | None) -> str:
    """Why ``said``, on the topic of ``named`` at ``now`` (UTC ms), is not to be followed; empty when it is.

    ``now`` is None where nobody has set the clock: then a message cannot be ahead of it.
    """
    if isinstance(said, Order):
        found = _order_flaw(said, named)
    elif said.machine != named:
        found = f"it names machine {said.machine}, its topic {named}"
    else:
        found = _lease_flaw(said) if isinstance(said, Lease) else ""
    if not found and now is not None and said.issued > now + FAR_AHEAD_MS:
        return "it is issued more than a day ahead of our clock"
    return found


def _lease_flaw(lease: Lease) -> str:
    if lease.tenant is not None and not is_name(lease.tenant):
        return f"tenant {lease.tenant} is a reserved word"
    if lease.order_id is not None and not is_order_id(lease.order_id):
        return f"order {lease.order_id} is a reserved word"
    return "from is beyond the year 2262" if lease.effective >= TIME_LIMIT else ""


def _order_flaw(order: Order, named: str) -> str:
    if order.order_id != named:
        return f"it names order {order.order_id}, its topic {named}"
    if not is_name(order.tenant):
        return f"tenant {order.tenant} is a reserved word"
    return "due is beyond the year 2262" if order.due is not None and order.due >= TIME_LIMIT else ""
