"""Runs pytest as often as it is asked to, each time in a fork of a process that has the libraries already.

Most of a short test's time is imports. Nothing of ours is imported here, so each run reads the source as it
stands. Asked by lines of JSON on standard input; answers each with pytest's exit code.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import pytest

LIBRARIES: Final = (
    "aiohttp.web",
    "aiomqtt",
    "hypothesis",
    "hypothesis.strategies",
    "influxdb_client.client.influxdb_client_async",
    "msgspec",
    "pydantic",
    "pymodbus.client",
    "rich.table",
    "sqlite3",
    "zoneinfo",
)


def run(arguments: list[str], output: Path) -> NoReturn:
    """As ``python -m pytest`` would; all that is said goes to ``output``."""
    for stream, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        opened = os.open(output if stream else os.devnull, mode, 0o644)
        os.dup2(opened, stream)
    os.dup2(1, 2)
    code = pytest.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code))


def main() -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        asked = json.loads(line)
        if (child := os.fork()) == 0:
            run(asked["arguments"], Path(asked["output"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  the answer


if __name__ == "__main__":
    main()
