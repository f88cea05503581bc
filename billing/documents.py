"""A statement in every form that it goes out in, by the ending of its file."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from billing.book_statement import statement_book
from billing.render_csv import statement_csv
from billing.render_html import statement_html
from billing.render_json import statement_json
from billing.statement import Statement
from billing.xlsx import xlsx

STATEMENT: Final = MappingProxyType[str, Callable[[Statement], bytes]](
    {
        "json": lambda statement: statement_json(statement).encode(),
        "html": lambda statement: statement_html(statement).encode(),
        "csv": lambda statement: statement_csv(statement).encode(),
        "xlsx": lambda statement: xlsx(statement_book(statement)),
    }
)
