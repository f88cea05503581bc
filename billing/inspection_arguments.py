"""The command line of ``gongfang-billing inspect``."""

import argparse
from typing import Final

from contract.states import Party

HELP: Final = """\
Writes how many of the pieces that a machine made at an instant are scrap or rework, and who caused it. It
counts in the period in which they were made, for the tenant and order that are named, else for whoever held
the machine then; the next run charges it. A number below zero, with the same cause,
takes an earlier result back.

examples:
  gongfang-billing inspect --machine knit-03 --at 2026-11-22T10:00 --scrap 3 --cause host --by "Li Na"
  gongfang-billing inspect --machine weld-01 --at 2026-11-22T10:00 --tenant juntu --order A-17 \\
      --rework 2 --by "Wu Jun" """

_CAUSES: Final = (Party.TENANT, Party.HOST, Party.UTILITY, Party.UNKNOWN)


def add_result(command: argparse.ArgumentParser) -> None:
    command.add_argument("--machine", required=True, metavar="NAME")
    command.add_argument("--at", required=True, metavar="ISO", help="when the pieces were made")
    command.add_argument(
        "--tenant", metavar="NAME", help="whose they are; left out: who held the machine then"
    )
    command.add_argument("--order", metavar="ORDER", help="of which order; left out: that of the lease")
    command.add_argument("--scrap", type=int, default=0, metavar="N", help="pieces thrown away")
    command.add_argument("--rework", type=int, default=0, metavar="N", help="pieces to be mended")
    command.add_argument(
        "--cause", choices=_CAUSES, default=Party.UNKNOWN, help="who caused it; default: unknown"
    )
    command.add_argument("--by", required=True, metavar="WHO", help="who inspected")
