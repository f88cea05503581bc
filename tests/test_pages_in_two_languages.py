"""Pages in English and Chinese do not drift apart: what is typed and shown is the same in both."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
TWINS = sorted(DOCS.glob("*.zh-CN.md"))
_FENCE = re.compile(r"^```[a-z]*\n.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_ROW = re.compile(r"^\| `([^|]+)` *\|", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def english(twin: Path) -> Path:
    return twin.with_name(twin.name.replace(".zh-CN", ""))


def test_there_are_such_pages() -> None:
    assert {twin.name for twin in TWINS} >= {"bringup.zh-CN.md", "machine-lists.zh-CN.md"}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_both_have_the_same_blocks_headings_and_rows(twin: Path) -> None:
    here, there = twin.read_text("utf-8"), english(twin).read_text("utf-8")
    assert _FENCE.findall(here) == _FENCE.findall(there)
    prose = [_FENCE.sub("", text) for text in (here, there)]
    assert _HEADING.findall(prose[0]) == _HEADING.findall(prose[1])
    rows = [[re.findall(r"`([^`]+)`", f"`{row}`") for row in _ROW.findall(text)] for text in prose]
    assert [row[0] for row in rows[0]] == [row[0] for row in rows[1]]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_each_leads_to_the_other_and_every_link_to_a_page(twin: Path) -> None:
    for page, other in ((twin, english(twin)), (english(twin), twin)):
        links = _LINK.findall(page.read_text("utf-8"))
        assert other.name in links
        assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_the_chinese_page_leads_to_chinese_pages_where_there_are_any(twin: Path) -> None:
    links = set(_LINK.findall(twin.read_text("utf-8"))) - {english(twin).name}
    twins = {link: DOCS / link.replace(".md", ".zh-CN.md") for link in links if not link.endswith("zh-CN.md")}
    assert not {link for link, other in twins.items() if link.endswith(".md") and other.exists()}
