"""Each protection is taken away, one at a time, in a copy of the source: its test must fail.

The table is ``protections.toml``, for people to read. What is proven is not that the source is right but that
nobody can take one of these lines out without being told.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.protections.table import FILE, MendError, Protection, read, removed
from tests.protections.trial import Copy, Ran, objection

TABLE = read(FILE.read_text("utf-8"))


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("copy") / "source")
    yield made
    made.close()


@pytest.mark.parametrize("protection", TABLE, ids=lambda one: one.name)
def test_without_it_its_test_fails(copy: Copy, protection: Protection) -> None:
    with copy.without(protection):
        ran = copy.run(protection.test)
    if ran.code == 0 and ran.skipped:
        pytest.skip(f"{protection.test} was skipped: a peer is not installed")
    assert not objection(ran), f"{protection.name}: {objection(ran)}\n{protection.test}\n{ran.output}"


@pytest.mark.timeout(300)
def test_with_all_of_them_each_named_test_passes(copy: Copy) -> None:
    """Or their failing would prove nothing. What only a busy machine has failed may try again."""
    ran = copy.run(*sorted({protection.test for protection in TABLE}), to_the_end=True)
    if ran.failed and not ran.errors:
        ran = copy.run(*ran.failed, to_the_end=True)
    assert ran.code == 0, ran.output


# --- the table ------------------------------------------------------------------------------------------


def test_each_is_told_in_one_sentence_under_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(one.name for one in TABLE).items() if times > 1] == []
    assert [one.name for one in TABLE if not one.against.endswith(".") or ". " in one.against] == []


# --- the trial ------------------------------------------------------------------------------------------

ONE = TABLE[0]


@pytest.mark.parametrize("source", ["", 2 * ONE.protection])
def test_a_text_that_does_not_stand_there_once_names_the_entry_to_mend(source: str) -> None:
    with pytest.raises(MendError, match=ONE.name):
        removed(ONE, source)


PROVES_NOTHING = {
    "nothing fails": Ran(code=0),
    "no such test": Ran(code=4),
    "cannot even run": Ran(code=1, errors=1),
    "even run": Ran(code=2, failures=("x",)),
    "no program": Ran(code=1, failures=("NameError: name 'x' is not defined",)),
    "takes more than": Ran(code=1, failures=("Failed: Timeout (>20.0s) from pytest-timeout.",)),
}


@pytest.mark.parametrize("why", PROVES_NOTHING)
def test_nothing_but_a_failed_test_proves_a_protection(why: str) -> None:
    assert why in objection(PROVES_NOTHING[why])
    assert not objection(Ran(code=1, failures=("AssertionError: assert 1 == 2",)))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"without": ONE.protection}, "nothing fails"),
        ({"without": "    if not nowhere:"}, "no program"),
        ({"without": "    return (\n"}, "even run"),
        ({"test": "tests/test_units.py::test_that_nobody_wrote"}, "no such test"),
    ],
)
def test_what_pytest_says_is_understood(copy: Copy, changes: dict[str, str], why: str) -> None:
    whole = (copy.root / ONE.file).read_text("utf-8")
    with copy.without(replace(ONE, **changes)):
        assert why in objection(copy.run(changes.get("test", ONE.test)))
    assert (copy.root / ONE.file).read_text("utf-8") == whole
