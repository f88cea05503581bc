"""Every document in every form that it goes out in, by the ending of its file."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from billing.book_adjustment import adjustment_book
from billing.book_owners import owners_book
from billing.book_statement import statement_book
from billing.book_totals import totals_book
from billing.owners_page import OwnersPage
from billing.render_adjustment import Note, adjustment_csv, adjustment_html, adjustment_json
from billing.render_csv import statement_csv
from billing.render_html import statement_html
from billing.render_json import statement_json
from billing.render_owners import owners_csv, owners_html, owners_json
from billing.render_totals import totals_csv, totals_html, totals_json
from billing.statement import Statement
from billing.totals import Totals
from billing.xlsx import xlsx

STATEMENT: Final = MappingProxyType[str, Callable[[Statement], bytes]](
    {
        "json": lambda statement: statement_json(statement).encode(),
        "html": lambda statement: statement_html(statement).encode(),
        "csv": lambda statement: statement_csv(statement).encode(),
        "xlsx": lambda statement: xlsx(statement_book(statement)),
    }
)
ADJUSTMENT: Final = MappingProxyType[str, Callable[[Note], bytes]](
    {
        "json": lambda note: adjustment_json(note).encode(),
        "html": lambda note: adjustment_html(note).encode(),
        "csv": lambda note: adjustment_csv(note).encode(),
        "xlsx": lambda note: xlsx(adjustment_book(note)),
    }
)
TOTALS: Final = MappingProxyType[str, Callable[[Totals], bytes]](
    {
        "json": lambda totals: totals_json(totals).encode(),
        "html": lambda totals: totals_html(totals).encode(),
        "csv": lambda totals: totals_csv(totals).encode(),
        "xlsx": lambda totals: xlsx(totals_book(totals)),
    }
)
OWNERS: Final = MappingProxyType[str, Callable[[OwnersPage], bytes]](
    {
        "json": lambda page: owners_json(page).encode(),
        "html": lambda page: owners_html(page).encode(),
        "csv": lambda page: owners_csv(page).encode(),
        "xlsx": lambda page: xlsx(owners_book(page)),
    }
)
