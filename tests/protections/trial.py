"""A copy of the source in which something may be missing, and pytest in it, as a process of its own."""

import compileall
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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
    output: str = ""


class Copy:
    """Of packages, tests and configurations; ``root`` is made."""

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

    def run(self, *tests: str) -> Ran:
        """These tests, up to the first that fails."""
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        # Plugins by name: importing hypothesis alone would double the time of most tests.
        plugins = ("no:cacheprovider", "pytest_asyncio.plugin", "pytest_timeout")
        done = subprocess.run(
            (
                *(sys.executable, "-m", "pytest", "-q", "-x"),
                *(word for plugin in plugins for word in ("-p", plugin)),
                *(f"--timeout={SLOW_S}", f"--basetemp={self.root / 'tmp'}", f"--junitxml={report}"),
                *tests,
            ),
            cwd=self.root,
            env=self._environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        output = done.stdout + done.stderr
        return (
            _read(report, done.returncode, output)
            if report.exists()
            else Ran(code=done.returncode, output=output)
        )

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
    return Ran(
        code=code,
        errors=int(suite.get("errors", 0)),
        skipped=int(suite.get("skipped", 0)),
        failures=tuple(failure.get("message", "") for failure in suite.iter("failure")),
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
