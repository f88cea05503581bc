"""``gongfang-billing``: from stored rows to statements."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from billing import (
    command_close,
    command_estimate,
    command_explain,
    command_inspect,
    command_life,
    command_totals,
    commands,
)
from billing.arguments import parser
from billing.bad_usage import BadUsageError
from billing.config import Settings, load
from billing.crew import LostProcessError
from billing.evidence import DamagedError
from billing.freeze import NotNowError
from billing.out import UnwritableError
from billing.writing import Refusal
from contract.complaint import BadConfigurationError
from store.protocol import StoreAwayError, UnusableStoreError

_COMMANDS: dict[str, Callable[[argparse.Namespace, Settings], Awaitable[int]]] = {
    "run": commands.run,
    "report": commands.report,
    "estimate": command_estimate.run,
    "inspect": command_inspect.run,
    "owners": command_totals.owners,
    "totals": command_totals.run,
    "validate": commands.validate,
    "suspense": commands.suspense,
    "assign": commands.decide,
    "close": command_close.run,
    "days": command_close.days,
    "freeze": command_life.close,
    "issue": command_life.mark_issued,
    "adjust": command_life.book_differences,
    "verify": command_life.check_books,
    "explain": command_explain.run,
    "check": commands.check,
}

_FAILURES = (
    StoreAwayError,
    UnusableStoreError,
    Refusal,
    NotNowError,
    DamagedError,
    UnwritableError,
    LostProcessError,
    commands.NothingStoredError,
    command_estimate.NothingPricedError,
)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return asyncio.run(_run(arguments))
    except (BadConfigurationError, BadUsageError) as error:
        print(error, file=sys.stderr)
        return commands.BAD_USAGE
    except _FAILURES as error:
        print(error, file=sys.stderr)
        return commands.FAILURE
    except BrokenPipeError:  # who reads has read enough; nothing more is said, also not at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return commands.FAILURE
    except OSError as error:
        print(f"{error}: mend that, and do it again; nothing was left by halves", file=sys.stderr)
        return commands.FAILURE
    except KeyboardInterrupt:
        return commands.FAILURE


async def _run(arguments: argparse.Namespace) -> int:
    if getattr(arguments, "pack", None) is not None:
        return await command_life.check_pack(arguments)
    return await _COMMANDS[arguments.command](arguments, load(arguments.config))


if __name__ == "__main__":
    sys.exit(main())
