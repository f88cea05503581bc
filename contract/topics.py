"""The topic tree (DESIGN 4). Built here and parsed here, nowhere else."""

from typing import Final

from msgspec import Struct

from contract.names import is_name, is_order_id

ROOT: Final = "gongfang/v1"


def status(site: str, gateway: str) -> str:
    return f"{ROOT}/{site}/gateway/{gateway}/status"


def batch(site: str, gateway: str) -> str:
    return f"{ROOT}/{site}/gateway/{gateway}/batch"


def receipt(site: str, gateway: str) -> str:
    return f"{ROOT}/{site}/gateway/{gateway}/receipt"


def state(site: str, machine: str) -> str:
    return f"{ROOT}/{site}/machine/{machine}/state"


def lease(site: str, machine: str) -> str:
    return f"{ROOT}/{site}/machine/{machine}/lease"


def gauges(site: str, machine: str) -> str:
    return f"{ROOT}/{site}/machine/{machine}/gauges"


def witness(site: str, machine: str) -> str:
    return f"{ROOT}/{site}/machine/{machine}/witness"


def order(site: str, order_id: str) -> str:
    return f"{ROOT}/{site}/order/{order_id}"


class Topic(Struct, frozen=True):
    """A topic taken apart: ``kind`` is its last word (``order`` for an order), ``name`` whose it is."""

    kind: str
    site: str
    name: str


_OF_GATEWAY: Final = frozenset({"status", "batch", "receipt"})
_OF_MACHINE: Final = frozenset({"state", "lease", "witness", "gauges"})


def parse(topic: str) -> Topic | None:
    """The parts of one of our topics, or None for any other."""
    match topic.split("/"):
        case ["gongfang", "v1", site, "gateway", name, kind] if kind in _OF_GATEWAY:
            legal = is_name(name)
        case ["gongfang", "v1", site, "machine", name, kind] if kind in _OF_MACHINE:
            legal = is_name(name)
        case ["gongfang", "v1", site, "order", name]:
            kind, legal = "order", is_order_id(name)
        case _:
            return None
    return Topic(kind, site, name) if legal and is_name(site) else None
