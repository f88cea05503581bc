"""The log of a process: for a person's eyes, or one JSON object a line for a machine's."""

import contextlib
import faulthandler
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Final

FORMS: Final = ("text", "json")
FIELDS: Final = ("subject", "machine", "endpoint", "gateway", "kind")
"""What a line may be about, beside its message; given to the log in ``extra``."""


def set_up(level: str, form: str) -> None:
    """To stderr. ``form`` is one of FORMS; ``text`` has no clock: the journal has its own, and so does a
    terminal's owner.
    """
    lines = JsonLines() if form == "json" else logging.Formatter("%(levelname)s %(message)s")
    writer = logging.StreamHandler()
    writer.setFormatter(Ranked(lines) if _is_journal() else lines)
    logging.basicConfig(level=level, handlers=[writer])


def tell_where_it_hung() -> None:
    """The watchdog ends a process that hangs with SIGABRT: then every thread's traceback goes to stderr."""
    with contextlib.suppress(OSError):  # a stderr that is no file
        faulthandler.enable()


def _is_journal() -> bool:
    """Whether the journal reads what is written to stderr (systemd.exec(5), JOURNAL_STREAM)."""
    with contextlib.suppress(OSError):
        status = os.fstat(sys.stderr.fileno())
        return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
    return False


class Ranked(logging.Formatter):
    """Says the rank of each line in the way that the journal takes off again (sd-daemon(3)), so that
    ``journalctl -p warning`` finds what is wrong.
    """

    def __init__(self, lines: logging.Formatter) -> None:
        super().__init__()
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        rank = next(rank for level, rank in _RANKS if record.levelno >= level)
        return "\n".join(f"<{rank}>{line}" for line in self._lines.format(record).splitlines())


_RANKS: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class JsonLines(logging.Formatter):
    """``ts`` (UTC, RFC 3339, ms), ``level``, ``logger``, ``message``, those of FIELDS that are known, and the
    traceback of an exception.
    """

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "ts": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: str(value) for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
