"""The files that a configuration names, read from the disk or from an evidence pack; each is remembered."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from billing.entries import Entries
from billing.entries_file import read_entries
from billing.shipped import shipped_stop_codes
from billing.stop_tables import SHIPPED, StopCodes, read_stop_codes
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.trusted import Key
from billing.trusted_file import read_keys
from billing.validity import overlapping
from contract.complaint import BadConfigurationError, Complaint, TomlFile
from contract.remedies import unreadable
from store.examples import example

R = TypeVar("R")

ReadFile = Callable[[Path], str]
"""The text of a file. Raises OSError, or ValueError when it is no text."""


def on_disk(path: Path) -> str:
    return shipped_stop_codes() if str(path) == SHIPPED else path.read_text("utf-8")


class Texts:
    """Remembers what was read, so that a frozen run can keep it."""

    def __init__(self, directory: Path, read: ReadFile) -> None:
        self._directory, self._read = directory, read
        self.found: dict[str, str] = {}

    def shipped_stop_codes(self) -> StopCodes | None:
        """What came with the software. A pack of an earlier version has none of it."""
        try:
            self.found[SHIPPED] = text = self._read(Path(SHIPPED))
        except OSError:
            return None
        return read_stop_codes(SHIPPED, text)

    def read(self, path: Path) -> str:
        text = self._read(path)
        name = path.relative_to(self._directory) if path.is_relative_to(self._directory) else path
        self.found[str(name)] = text
        return text


class Beside:
    """Files that the configuration names, each read once. Collects what is wrong with them."""

    def __init__(self, file: TomlFile, path: Path, read: ReadFile) -> None:
        self._file, self._directory, self._read_file = file, path.parent, read
        self._tariffs: dict[str, Tariff | None] = {}
        self.complaints: list[Complaint] = []

    def tariffs(self, key: tuple[str | int, ...], named: object) -> tuple[Tariff, ...]:
        """The versions that the key names, the oldest first."""
        if isinstance(named, str):
            named = [named]
        names = named if isinstance(named, list) else ()
        found = [tariff for name in names if (tariff := self._tariff(key, name))]
        known = tuple(sorted(found, key=lambda tariff: tariff.valid_from))
        self.complaints += overlapping(self._file, key, known)
        return known

    def _tariff(self, key: tuple[str | int, ...], named: object) -> Tariff | None:
        """None when it is wrong, which is complained about elsewhere."""
        if not isinstance(named, str):
            return None
        if named not in self._tariffs:
            self._tariffs[named] = None
            at = self._directory / named
            text = self._text(key, at, "give the tariff's file")
            if text is not None:
                self._tariffs[named] = self._read(lambda: read_tariff(str(at), text, self._reader(at.parent)))
        return self._tariffs[named]

    def entries(self, key: tuple[str | int, ...], named: object) -> Entries | None:
        if not isinstance(named, str):
            return None
        at = self._directory / named
        text = self._text(key, at, "give a file of entries")
        return None if text is None else self._read(lambda: read_entries(str(at), text))

    def stop_codes(self, key: tuple[str | int, ...], named: object) -> StopCodes | None:
        if not isinstance(named, str):
            return None
        at = self._directory / named
        text = self._text(key, at, "give a table of stop codes")
        return None if text is None else self._read(lambda: read_stop_codes(str(at), text))

    def keys(self, key: tuple[str | int, ...], table: object) -> Mapping[str, Key]:
        named = table.get("keys") if isinstance(table, dict) else None
        if not isinstance(named, str):
            return {}
        at = self._directory / named
        text = self._text(key, at, "give the file of trusted keys")
        return {} if text is None else self._read(lambda: read_keys(str(at), text)) or {}

    def _read(self, read: Callable[[], R]) -> R | None:
        try:
            return read()
        except BadConfigurationError as error:
            self.complaints += error.complaints
            return None

    def _text(self, key: tuple[str | int, ...], at: Path, remedy: str) -> str | None:
        try:
            return self._read_file(at)
        except (OSError, ValueError) as error:  # not UTF-8, or no name that a file can have
            problem = f"{at} cannot be read ({unreadable(error)})"
            self.complaints.append(self._file.complain(key, problem, remedy))
            return None

    def _reader(self, directory: Path) -> Callable[[str], str]:
        return lambda name: self._read_file(directory / name)


def text_of(path: Path, read: ReadFile) -> str:
    name = str(path)
    try:
        return read(path)
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({unreadable(error)})"
        remedy = f"give --config the file that names site, store and tariff; {example('billing.toml')}"
        raise BadConfigurationError(
            [Complaint(file=name, line=0, key="", problem=problem, remedy=remedy)]
        ) from None
