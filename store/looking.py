"""What to ask an InfluxDB before a write, which would overwrite and knows no names. Sans I/O.

Most records are the newest of their epochs: two cheap questions say so, and nothing more is asked of them.
"""

from collections.abc import Generator, Sequence
from typing import Final

from msgspec import Struct

from contract.series import BY_NAME, STATE, USAGE, Row
from store import influxql
from store.admission import RECORD_SERIES
from store.naming import Claim, Claims, Life, claim
from store.settling import Key, key

RECENT_MS: Final = 2 * influxql.DAY_MS
"""A machine that is heard writes its state every midnight, so its newest rows are rarely further back."""
DENSE: Final = (USAGE.name, STATE.name)
SPARSE: Final = tuple(sorted(RECORD_SERIES - set(DENSE)))

Looking = Generator[list[str], list[Row], None]


class Known(Struct, frozen=True):
    """What is stored, as far as it concerns a write."""

    rows: list[Row]
    """Those under a key of the write, and some more."""
    claims: Claims


def look(rows: Sequence[Row]) -> Generator[list[str], list[Row], Known]:
    """Yields questions, takes the rows of all their answers."""
    known = Known([], Claims())
    records = {key(row): claim(row) for row in rows if row.series in RECORD_SERIES}
    yield from _newest(list(records.values()), known.claims)
    at_times = yield list(influxql.presence(_at(rows, records, known.claims)))
    present = {key(row) for row in at_times}
    asked = [row for row in rows if key(row) in present or _is_plain(row)]
    known.rows.extend((yield list(influxql.contents(asked))))
    _add(known.claims, at_times)
    late = [one for place, one in records.items() if place not in present and known.claims.passed(one)]
    _add(known.claims, (yield _names(late)))
    return known


def _is_plain(row: Row) -> bool:
    return row.series not in RECORD_SERIES and not BY_NAME[row.series].overwrite


def _at(rows: Sequence[Row], records: dict[Key, Claim], known: Claims) -> list[Row]:
    return [row for row in rows if key(row) in records and known.reaches(records[key(row)])]


def _newest(records: Sequence[Claim], known: Claims) -> Looking:
    """Brings the newest row of every line of the lives in ``records`` into ``known``."""
    if not records:
        return
    lives = list(dict.fromkeys(one.life for one in records))
    since = max(0, min(one.time for one in records) - RECENT_MS)
    answer = yield [influxql.newest(DENSE, lives, since), influxql.newest(SPARSE, lives)]
    _add(known, answer)
    unseen = [life for life in lives if not all(known.has_line(series, life) for series in DENSE)]
    _add(known, (yield [influxql.newest(DENSE, unseen)] if unseen else []))


def _add(known: Claims, rows: Sequence[Row]) -> None:
    # What another program wrote into our series may lack anything.
    for row in rows:
        if row.series in RECORD_SERIES and type(row.fields.get("sequence")) is int:
            known.add(claim(row))


def _names(late: Sequence[Claim]) -> list[str]:
    lives: dict[Life, list[tuple[int, int]]] = {}
    for one in late:
        lives.setdefault(one.life, []).append((one.first, one.last))
    return [question for life, ranges in lives.items() for question in influxql.named(life, ranges)]
