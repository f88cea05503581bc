"""One agent for one outbox, as long as it lives and no longer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.lock import owned
from edge_agent.outbox_file import OutboxError


def test_an_outbox_has_one_agent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with owned(path):
        with (
            pytest.raises(OutboxError, match=rf"in use by another agent \(process {os.getpid()}\)"),
            owned(path),
        ):
            pass
        with owned(tmp_path / "other.db"):
            pass
    with owned(path):
        pass


DIES = """
import os, pathlib, sys
from edge_agent.lock import owned
with owned(pathlib.Path(sys.argv[1])):
    os._exit(9)
"""


def test_an_agent_that_died_owns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    assert subprocess.run([sys.executable, "-c", DIES, path], check=False).returncode == 9
    with owned(path):
        pass


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="folder must exist"), owned(tmp_path / "none" / "outbox.db"):
        pass
