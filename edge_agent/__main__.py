"""The command ``gongfang-agent``: see ``--help``."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from contract.complaint import BadConfigurationError
from edge_agent import (
    command_key,
    command_outbox,
    command_probe,
    command_profile,
    command_run,
    command_scan,
    command_site,
    command_witness,
)
from edge_agent.arguments import parser
from edge_agent.config import Settings, load
from edge_agent.gateway_key import BadKeyError
from edge_agent.outbox_file import OutboxError
from edge_agent.terminal import BAD_USAGE, FAILED, warn

Command = Callable[[argparse.Namespace], int]


def _of_site(command: Callable[[Settings, argparse.Namespace], int]) -> Command:
    return lambda given: command(load(given.config), given)


def _probe(given: argparse.Namespace) -> int:
    return _of_site(command_site.probe)(given) if given.config else command_probe.probe(given)


COMMANDS: Final[Mapping[str, Command]] = {
    "run": _of_site(command_run.run),
    "check": _of_site(command_site.check),
    "probe": _probe,
    "scan": command_scan.scan,
    "profile": command_profile.profile,
    "key": command_key.key,
    "witness": _of_site(command_witness.witness),
    "resend": _of_site(command_outbox.resend),
    "status": _of_site(command_outbox.status),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0 fine, 1 failure, 2 bad usage or configuration."""
    given = parser().parse_args(arguments)
    try:
        return COMMANDS[given.command](given)
    except BadConfigurationError as error:
        warn(str(error))
        return BAD_USAGE
    except (OutboxError, BadKeyError) as error:
        warn(str(error))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
