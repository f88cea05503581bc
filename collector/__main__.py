"""gongfang-collector: see ``--help``."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from collector import announce, announcing, importing, replaying, watching
from collector.amqtt import CannotListenError
from collector.arguments import parser
from collector.clock import plant_clock
from collector.config import Settings, load
from collector.daemon import serve
from collector.instant import parse_instant
from collector.lease_plan import Said
from collector.mqtt import BrokerAwayError
from contract.complaint import BadConfigurationError
from daemon.journal import set_up, tell_where_it_hung
from store.protocol import StoreAwayError, UnusableStoreError

ENVIRONMENT = "GONGFANG_COLLECTOR_CONFIG"


class UsageError(Exception):
    """What argparse cannot see by itself."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    broker = "not known yet"
    try:
        settings = load(_config(arguments))
        broker = _broker(settings)
        return _command(arguments)(arguments, settings)
    except (BadConfigurationError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except UnusableStoreError as error:
        print(f"The store cannot be used: {error}", file=sys.stderr)
    except StoreAwayError as error:
        print(f"The store is away: {error}", file=sys.stderr)
    except BrokerAwayError as error:
        why = re.sub(r"\[Errno \d+\] ", "", str(error))
        print(f"The broker is away: {why} ({broker})", file=sys.stderr)
    except CannotListenError as error:
        print(error, file=sys.stderr)
    return 1


def _broker(settings: Settings) -> str:
    """Where it is, and who should be running there."""
    where = f"{settings.broker.host}:{settings.broker.port}"
    if settings.broker.embedded:
        return f"at {where}, inside of `gongfang-collector run`: is that running?"
    return f"at {where}: is Mosquitto running there? [broker] says where it is"


def _config(arguments: argparse.Namespace) -> Path:
    named = arguments.config or os.environ.get(ENVIRONMENT)
    if not named:
        raise UsageError(f"say which configuration: --config FILE, or {ENVIRONMENT} in the environment")
    return Path(named)


Command = Callable[[argparse.Namespace, Settings], int]


def _command(arguments: argparse.Namespace) -> Command:
    action = getattr(arguments, "action", None)
    return COMMANDS[f"{arguments.command} {action}" if action else arguments.command]


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    set_up(arguments.log_level, arguments.log)
    tell_where_it_hung()
    serve(settings)
    return 0


def _check(_: argparse.Namespace, settings: Settings) -> int:
    broker = "embedded, on" if settings.broker.embedded else "at"
    print(
        f"Collector {settings.collector.name}: broker {broker} {settings.broker.host}:{settings.broker.port},"
        f" store {settings.store.kind}, {_gauges(settings)}. The configuration is good."
    )
    return 0


def _gauges(settings: Settings) -> str:
    kept = settings.gauges
    return f"gauges in {kept.kind} for {kept.retention_days} days" if kept else "no gauges"


def _now(settings: Settings) -> int:
    return plant_clock(settings.clock.pair)()


def _instant(text: str, now: int) -> int:
    try:
        return parse_instant(text, now)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _site(arguments: argparse.Namespace, settings: Settings) -> str:
    site: str | None = arguments.site or settings.collector.site
    if site is None:
        raise UsageError('say which site: --site NAME, or site = "NAME" in [collector] of the configuration')
    return site


def _lease_set(arguments: argparse.Namespace, settings: Settings) -> int:
    now = _now(settings)
    message = announce.lease(
        machine=arguments.machine,
        tenant=arguments.tenant,
        order_id=arguments.order,
        by=arguments.by,
        effective=_instant(arguments.effective, now),
        issued=now,
    )
    return announcing.lease(settings, _site(arguments, settings), message)


def _lease_end(arguments: argparse.Namespace, settings: Settings) -> int:
    now = _now(settings)
    message = announce.lease_end(
        machine=arguments.machine,
        by=arguments.by,
        effective=_instant(arguments.effective, now),
        issued=now,
    )
    return announcing.lease(settings, _site(arguments, settings), message)


def _lease_import(arguments: argparse.Namespace, settings: Settings) -> int:
    site, now = _site(arguments, settings), _now(settings)
    said = Said(file=arguments.file, site=site, by=arguments.by, now=now, zone=settings.zone)
    return importing.leases(settings, said, arguments.timezone, announced=arguments.announce)


def _order_add(arguments: argparse.Namespace, settings: Settings) -> int:
    now = _now(settings)
    message = announce.order(
        order_id=arguments.order,
        tenant=arguments.tenant,
        article=arguments.article,
        wanted=arguments.wanted,
        by=arguments.by,
        issued=now,
        due=None if arguments.due is None else _instant(arguments.due, now),
    )
    return announcing.order(settings, _site(arguments, settings), message, force=arguments.force)


COMMANDS: dict[str, Command] = {
    "run": _run,
    "check": _check,
    "status": lambda a, s: watching.status(s, a.grid_s * 1000),
    "quarantine list": lambda a, s: watching.quarantine_list(s, a.days),
    "quarantine show": lambda a, s: watching.quarantine_show(s, a.id),
    "quarantine replay": lambda a, s: replaying.replay(s, name=a.id, reason=a.reason, dry=a.dry_run),
    "lease set": _lease_set,
    "lease end": _lease_end,
    "lease import": _lease_import,
    "lease list": lambda a, s: watching.lease_list(s, a.machine),
    "order add": _order_add,
    "order close": lambda a, s: announcing.close(s, _site(a, s), a.order, a.by),
    "order list": lambda _, s: watching.order_list(s),
}

if __name__ == "__main__":
    sys.exit(main())
