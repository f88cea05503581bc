"""What a person should hear before a lease or an order is announced. Pure."""

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from typing import Final

from collector.instant import lasted
from collector.restore import latest_orders
from contract.facts import OrderFact
from contract.messages import Lease, Order

NAMES_SHOWN: Final = 5


def of_lease(site: str, message: Lease, machines: Iterable[str]) -> list[str]:
    """``machines`` are those of the site that ever were metered."""
    known = set(machines)
    unheard = [] if message.machine in known else [unknown(site, message.machine, known)]
    if unheard and not _ends(message):
        unheard.append(
            f"The lease waits for a machine of that name. Was another meant, end it:"
            f" gongfang-collector lease end --machine {message.machine} --by ..."
        )
    return unheard + [remark for remark in [_past(message)] if remark]


def _ends(message: Lease) -> bool:
    return message.tenant is None and message.order_id is None


def unknown(site: str, machine: str, machines: Collection[str]) -> str:
    """Of a machine that was never metered: a slip, or still to come. No error: a lease may come first."""
    near = sorted(machines, key=lambda one: (-SequenceMatcher(None, one, machine).ratio(), one))
    names = ", ".join(near[:NAMES_SHOWN]) + (", ..." if len(near) > NAMES_SHOWN else "")
    there = f"there are {names}" if near else "nor of any other"
    return f"Nothing of a machine {machine} of site {site} has come yet; {there}."


def _past(message: Lease) -> str:
    if message.effective >= message.issued:
        return ""
    verb = "Ends" if _ends(message) else "Begins"
    ago = lasted(message.issued - message.effective)
    return f"{verb} {ago} ago: what was metered since waits for a person (gongfang-billing suspense)."


def of_order(site: str, message: Order, stored: Iterable[OrderFact]) -> str:
    """Why the order should not be announced like this, or nothing."""
    for fact in latest_orders(stored):
        if (fact.site, fact.order_id) != (site, message.order_id) or fact.closed:
            continue
        if fact.tenant != message.tenant:
            return (
                f"Order {fact.order_id} of site {site} is open for {fact.tenant} (announced by {fact.by})."
                f" Give it another name, or say --force to make it {message.tenant}'s."
            )
    return ""
