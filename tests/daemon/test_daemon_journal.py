"""Log lines for eyes and for machines, in a process of their own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime

import pytest

SAYS = """
import logging, sys
from daemon.journal import set_up
set_up("INFO", sys.argv[1])
log = logging.getLogger("gongfang.agent")
about = {"machine": "knit-01", "kind": "silent"}
log.warning("%s: %s: %s", "knit-01", "silent", "no answer\\nfor 羊绒", extra=about)
log.debug("nobody asked")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a bug")
"""


def said(form: str, environment: Mapping[str, str] = {}) -> list[str]:
    command = [sys.executable, "-c", SAYS, form]
    ran = subprocess.run(command, capture_output=True, check=True, env=os.environ | dict(environment))
    return ran.stderr.decode().splitlines()


def test_a_json_line_has_all_there_is_to_say_and_is_one_line() -> None:
    told, bug = (json.loads(line) for line in said("json"))
    assert datetime.fromisoformat(told.pop("ts")).utcoffset() is not None
    assert told == {
        "level": "WARNING",
        "logger": "gongfang.agent",
        "message": "knit-01: silent: no answer\nfor 羊绒",
        "machine": "knit-01",
        "kind": "silent",
    }
    assert "ZeroDivisionError" in bug["traceback"]


def test_a_text_line_is_its_level_and_its_message() -> None:
    assert said("text")[0] == "WARNING knit-01: silent: no answer"


@pytest.mark.parametrize("form", ["text", "json"])
def test_in_the_journal_every_line_has_a_rank_that_the_journal_understands(form: str) -> None:
    ours, journals = socket.socketpair()
    with ours, journals:
        status = os.fstat(journals.fileno())
        subprocess.run(
            [sys.executable, "-c", SAYS, form],
            stderr=journals,
            check=True,
            env=os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
        )
        journals.close()
        lines = b"".join(iter(lambda: ours.recv(65_536), b"")).decode().splitlines()
    assert lines[0].startswith("<4>")
    assert {line[:3] for line in lines} == {"<4>", "<3>"}
    if form == "json":
        assert [json.loads(line[3:])["level"] for line in lines] == ["WARNING", "ERROR"]


def test_a_journal_stream_that_stderr_is_not_means_nothing() -> None:
    """A person who starts a second process from the unit's shell sees plain lines."""
    assert said("text", {"JOURNAL_STREAM": "1:2"})[0].startswith("WARNING ")
