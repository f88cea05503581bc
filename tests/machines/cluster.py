"""A rehearsal of the cluster plant: every type of machine, through registers, link, plan, meter and store."""

from pathlib import Path

from contract.records import Interval
from contract.series import USAGE, fact_of
from demo.files import Place
from demo.rehearsal import Shift, rehearse
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from simulators.plant import Plant, load_plant
from store.config import SqliteConfig
from store.opening import open_store
from tests.demo.mini_plant import ROOT, START_MS, embedded

RATIO = 40
"""Of the feeder's transformers, 200 to 5 A."""


def cluster_plant() -> Plant:
    return load_plant(ROOT / "configs/plants/cluster.toml")


def profile(name: str) -> Profile:
    """As it is shipped."""
    return load_profile(
        shipped() / "profiles" / f"{name}.toml", load_stop_table(shipped() / "stop-codes.toml")
    )


def with_transformers(directory: Path) -> None:
    """What docs/machines.md says: a copy beside the site's file, with its own name and the ratio."""
    text = (shipped() / "profiles" / "acrel-adl.toml").read_text("utf-8")
    text = text.replace('name = "acrel-adl" ', f'name = "acrel-adl-{RATIO}" ')
    text = text.replace("multiply = 10\n", f"multiply = {10 * RATIO}\n")
    assert text.count(f"multiply = {10 * RATIO}\n") == 2
    (directory / "profiles").mkdir()
    (directory / "profiles" / f"acrel-adl-{RATIO}.toml").write_text(text, "utf-8")


async def rehearsed(directory: Path) -> tuple[Place, Shift, list[Interval]]:
    """The cluster's shift, and the usage that is stored of it."""
    with_transformers(directory)
    place = embedded(directory)
    shift = await rehearse(cluster_plant(), START_MS, place)
    store_file = SqliteConfig(kind="sqlite", path=directory / "store.db")
    async with open_store(store_file, read_only=True) as store:
        rows = store.read(USAGE, shift.start_ms, shift.end_ms)
        stored = [fact async for row in rows if isinstance(fact := fact_of(row), Interval)]
    return place, shift, stored
