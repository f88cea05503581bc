"""A command line that tells everything that is wrong with it at once, and what was probably meant.

argparse stops at the first thing: an option that is misspelt shows only as a required one that is missing.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn


class CommandLine(argparse.ArgumentParser):
    """Subcommands are of this class too, so that each speaks for its own options."""

    _asked: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401  as argparse's
        self._asked = sys.argv[1:] if args is None else list(args)
        found, beyond = super().parse_known_args(args, namespace)
        if beyond:
            strange = [*self._strange()]
            super().error("; ".join(strange or [f"nothing more is expected here: {' '.join(beyond)}"]))
        return found, beyond

    def error(self, message: str) -> NoReturn:
        """Raises SystemExit with 2."""
        super().error("; ".join([message, *self._strange()]))

    def _strange(self) -> Iterator[str]:
        """Options that there are not."""
        for word in self._own():
            name = word.partition("=")[0]
            if name.startswith("--") and not any(each.startswith(name) for each in self._options()):
                near = get_close_matches(name, self._options(), n=1)
                yield f"there is no {name}" + (f", but {near[0]}" if near else "")

    def _own(self) -> Iterator[str]:
        """Words that are not those of a subcommand; behind ``--`` nothing is an option."""
        words = takewhile(lambda word: word != "--", self._asked)
        return takewhile(lambda word: word.startswith("-"), words) if self._subparsers else words

    def _options(self) -> list[str]:
        return [option for option in self._option_string_actions if option.startswith("--")]
