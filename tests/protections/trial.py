"""A copy of the source in which something may be missing, and pytest in it, in a process of its own."""

import compileall
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final
from xml.etree import ElementTree as ET

from msgspec import Struct

from tests.protections.table import Protection, removed

ROOT: Final = Path(__file__).parents[2]
SLOW_S: Final = 20
"""A named test takes a second or two; one that takes this long hangs."""
BROKEN: Final = (
    "NameError",
    "UnboundLocalError",
    "AttributeError",
    "TypeError",
    "ImportError",
    "SyntaxError",
)
"""By these a test fails because the program is broken, which says nothing of the protection."""


class Ran(Struct, frozen=True, kw_only=True):
    """What pytest said."""

    code: int
    """Its exit code: 0 passed, 1 failed, 4 no such test; others mean that nothing was proven."""
    errors: int = 0
    """Fixtures that could not be set up."""
    skipped: int = 0
    failures: tuple[str, ...] = ()
    """The message of each."""
    failed: tuple[str, ...] = ()
    """Their node ids."""
    output: str = ""


class Copy:
    """Of packages, tests and configurations; ``root`` is made. ``close`` it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        for name in (*packages, "tests", "configs"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", root)
        for name in packages:
            # Checked by the source's hash: a file changed and restored within a second is never mistaken.
            compileall.compile_dir(root / name, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        # The working directory is first on the path of ``python -m``, so the copy is what is imported.
        self._forking = subprocess.Popen(
            (sys.executable, "-m", "tests.protections.forking"),
            cwd=root,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def without(self, one: Protection) -> Iterator[None]:
        """Raises MendError where the table does not fit the source."""
        file = self.root / one.file
        whole = file.read_text("utf-8")
        file.write_text(removed(one, whole), "utf-8")
        try:
            yield
        finally:
            file.write_text(whole, "utf-8")

    def run(self, *tests: str, to_the_end: bool = False) -> Ran:
        """These tests, up to the first that fails, or all of them."""
        report, output = self.root / "report.xml", self.root / "output"
        report.unlink(missing_ok=True)
        # Plugins by name: importing hypothesis alone would double the time of most tests.
        plugins = ("no:cacheprovider", "pytest_asyncio.plugin", "pytest_timeout")
        arguments = (
            *(
                "-q",
                *(() if to_the_end else ("-x",)),
                *(word for plugin in plugins for word in ("-p", plugin)),
            ),
            *("-o", "junit_family=xunit1"),
            *(f"--timeout={SLOW_S}", f"--basetemp={self.root / 'tmp'}", f"--junitxml={report}"),
            *tests,
        )
        code = self._ask({"arguments": arguments, "output": str(output)})
        said = output.read_text("utf-8", "replace")
        return _read(report, code, said) if report.exists() else Ran(code=code, output=said)

    def _ask(self, what: Mapping[str, object]) -> int:
        stdin, stdout = self._forking.stdin, self._forking.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps(what) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        self._forking.communicate()

    def _environment(self) -> dict[str, str]:
        """The copy comes before what is installed, for child processes too."""
        ours = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))
        }
        return ours | {
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }


def _read(report: Path, code: int, output: str) -> Ran:
    suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    failed = [case for case in suite.iter("testcase") if case.find("failure") is not None]
    return Ran(
        code=code,
        errors=int(suite.get("errors", 0)),
        skipped=int(suite.get("skipped", 0)),
        failures=tuple(failure.get("message", "") for failure in suite.iter("failure")),
        failed=tuple(f"{case.get('file')}::{case.get('name')}" for case in failed),
        output=output,
    )


def objection(ran: Ran) -> str:
    """Why this does not prove that a protection is guarded, or nothing."""
    if ran.code == 0:
        return "nothing fails without it: write the test that does, or name it"
    if ran.code in {4, 5} and not ran.errors:
        return "there is no such test"
    if ran.code != 1 or ran.errors or len(ran.failures) != 1:
        return "its test cannot even run without it"
    if ran.failures[0].startswith(BROKEN):
        return f"what is left is no program: {ran.failures[0]}"
    if "Timeout (>" in ran.failures[0]:
        return f"its test takes more than {SLOW_S} s: name one that fails at once"
    return ""
