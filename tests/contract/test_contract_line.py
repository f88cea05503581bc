"""Line protocol against a parser written from the protocol's description, not from our writer."""

from hypothesis import example, given
from hypothesis import strategies as st

from contract.line import line, lines
from contract.series import Row, Value


class Reader:
    """Takes a line apart, a character at a time."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def bare(self, stops: str, escapes: str) -> str:
        """Up to an unescaped stop; a backslash escapes only what may be escaped here."""
        found = []
        while self.at < len(self.text) and self.text[self.at] not in stops:
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in list(escapes):
                self.at += 1
            found.append(self.text[self.at])
            self.at += 1
        return "".join(found)

    def take(self, wanted: str) -> None:
        assert self.text[self.at] == wanted, f"{wanted!r} at {self.at} of {self.text!r}"
        self.at += 1

    def sees(self, wanted: str) -> bool:
        return self.text[self.at : self.at + 1] == wanted

    def value(self) -> Value:
        if not self.sees('"'):
            number = self.bare(", ", "")
            assert number.endswith("i")
            return int(number.removesuffix("i"))
        self.take('"')
        text = self.bare('"', '"\\')
        self.take('"')
        return text

    def row(self) -> Row:
        series = self.bare(", ", ", ")
        tags: dict[str, str] = {}
        while self.sees(","):
            self.take(",")
            key = self.bare("=", ",= ")
            self.take("=")
            tags[key] = self.bare(", ", ",= ")
        fields: dict[str, Value] = {}
        self.take(" ")
        while not fields or self.sees(","):
            if fields:
                self.take(",")
            key = self.bare("=", ",= ")
            self.take("=")
            fields[key] = self.value()
        self.take(" ")
        return Row(series=series, time=int(self.text[self.at :]), tags=tags, fields=fields)


# A key or tag value with a backslash before a comma has no form in line protocol; names never have one.
keys = st.text(st.characters(codec="utf-8", exclude_characters="\\\n\r"), min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.one_of(st.integers(-(2**63), 2**63 - 1), texts)
rows = st.builds(
    Row,
    series=keys,
    time=st.integers(0, 2**52),
    tags=st.dictionaries(keys, keys, max_size=4),
    fields=st.dictionaries(keys, values, min_size=1, max_size=4),
)


@given(rows)
@example(Row(series="a b,c", time=5, tags={"t =,": "v =,"}, fields={"f =,": 'say "\\"', "g": -1}))
@example(Row(series="s", time=0, tags={}, fields={"f": "ends with \\"}))
@example(Row(series="s", time=0, tags={}, fields={"f": "", "g": "two\nlines"}))
def test_any_row_is_read_back_from_its_line(row: Row) -> None:
    assert Reader(line(row)).row() == row


@given(st.lists(rows, max_size=3))
def test_lines_are_the_lines_of_the_rows(many: list[Row]) -> None:
    assert lines(many) == b"\n".join(line(row).encode() for row in many)


@given(rows)
def test_tags_and_fields_are_sorted(row: Row) -> None:
    read = Reader(line(row)).row()
    assert list(read.tags) == sorted(row.tags)
    assert list(read.fields) == sorted(row.fields)


def test_a_row_without_tags_has_no_comma_after_its_series() -> None:
    assert line(Row(series="order", time=7, tags={}, fields={"closed": 0})) == "order closed=0i 7"
