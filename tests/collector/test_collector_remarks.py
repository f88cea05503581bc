"""A slip of the hand in a lease or an order is said before it is announced."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from collector import remarks
from collector.__main__ import main
from collector.announce import lease, lease_end, order
from contract.facts import OrderFact, order_fact
from contract.series import row_of
from store.sqlite import SqliteStore

NOW = 1_800_000_000_000


def test_a_machine_that_never_spoke_is_named_with_those_that_did() -> None:
    message = lease(machine="knitt-01", tenant="zhang", order_id=None, by="w", effective=NOW, issued=NOW)
    remark, then = remarks.of_lease("qinghe", message, ["weave-01", "knit-01"])
    assert then.startswith("The lease waits for a machine of that name. Was another meant, end it:")
    assert then.endswith("gongfang-collector lease end --machine knitt-01 --by ...")
    assert remark.startswith("Nothing of a machine knitt-01 of site qinghe has come yet; there are knit-01,")
    remark, _ = remarks.of_lease("qinghe", message, [f"knit-{n:02}" for n in range(90)])
    assert re.search(r"there are knit-01, (knit-\d\d, ){4}\.\.\.\.$", remark)
    assert "nor of any other" in remarks.of_lease("qinghe", message, [])[0]
    assert not remarks.of_lease("qinghe", message, ["knitt-01"])


def test_a_lease_of_a_machine_that_never_spoke_can_be_ended_without_more_words() -> None:
    message = lease_end(machine="knitt-01", by="w", effective=NOW, issued=NOW)
    [remark] = remarks.of_lease("qinghe", message, ["knit-01"])
    assert remark.endswith("there are knit-01.")


def test_a_lease_from_the_past_says_what_becomes_of_the_time_since() -> None:
    at = {"by": "w", "effective": NOW - 600_000, "issued": NOW}
    [begins] = remarks.of_lease("s", lease(machine="m", tenant="li", order_id=None, **at), ["m"])  # type: ignore[arg-type]
    assert begins.startswith("Begins 10 min 0 s ago: what was metered since waits for a person")
    [ends] = remarks.of_lease("s", lease_end(machine="m", **at), ["m"])  # type: ignore[arg-type]
    assert ends.startswith("Ends 10 min 0 s ago")


def an_order(tenant: str, issued: int = NOW, *, closed: bool = False) -> OrderFact:
    message = order(order_id="A-17", tenant=tenant, article="x", wanted=3, by="office", issued=issued)
    fact = order_fact("qinghe", message, issued)
    return OrderFact(
        **{name: getattr(fact, name) for name in fact.__struct_fields__} | {"closed": int(closed)}
    )


STORED = {
    "nothing": ([], False),
    "the same tenant's": ([an_order("zhang")], False),
    "another's": ([an_order("li")], True),
    "another's, closed": ([an_order("li"), an_order("li", NOW + 1, closed=True)], False),
    "given to another": ([an_order("zhang"), an_order("li", NOW + 1)], True),
}


@pytest.mark.parametrize(("stored", "refused"), STORED.values(), ids=STORED)
def test_an_order_that_is_open_for_another_tenant_is_not_taken(
    stored: list[OrderFact], *, refused: bool
) -> None:
    message = order(order_id="A-17", tenant="zhang", article="x", wanted=3, by="w", issued=NOW)
    assert bool(remarks.of_order("qinghe", message, stored)) is refused
    assert not remarks.of_order("anping", message, stored)


@pytest.fixture
def at(tmp_path: Path, free_port: Callable[[], int]) -> list[str]:
    """A configuration whose broker is away: what reaches it fails with its name."""
    path = tmp_path / "collector.toml"
    text = f'[collector]\nname = "c"\nsite = "qinghe"\n[broker]\nport = {free_port()}\n'
    path.write_text(f'{text}[store]\nkind = "sqlite"\npath = "{tmp_path}/store.db"\n', "utf-8")
    return ["--config", str(path)]


async def put(store: SqliteStore, fact: OrderFact) -> None:
    await store.write([row_of(fact)])


ADD = ["order", "add", "--order", "A-17", "--tenant", "zhang", "--article", "x", "--wanted", "3", "--by", "w"]


async def test_the_command_says_whose_order_it_is_and_can_be_forced(
    sqlite: SqliteStore, at: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    await put(sqlite, an_order("li"))
    assert await asyncio.to_thread(main, [*ADD, *at]) == 1
    said = capsys.readouterr().err
    assert "open for li" in said
    assert "The broker is away" not in said
    assert await asyncio.to_thread(main, [*ADD, "--force", *at]) == 1
    assert "The broker is away" in capsys.readouterr().err


async def test_a_remark_on_a_lease_is_no_refusal(
    sqlite: SqliteStore, at: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    give = ["lease", "set", "--machine", "knitt-01", "--tenant", "li", "--by", "w"]
    past = [*give, "--from", "2026-01-01T00:00Z"]
    assert await asyncio.to_thread(main, [*past, *at]) == 1
    said = capsys.readouterr().err
    assert "Nothing of a machine knitt-01" in said
    assert "The lease waits" in said
    assert "gongfang-billing suspense" in said
    assert re.search(
        r"The broker is away: Connection refused \(at 127\.0\.0\.1:\d+: is Mosquitto running there\?", said
    )
    assert await asyncio.to_thread(main, [*give, *at]) == 1
    assert "suspense" not in capsys.readouterr().err, "now is not the past"
