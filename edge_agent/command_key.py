"""``gongfang-agent key``: the key that a gateway signs its chains with."""

import argparse
from pathlib import Path

from edge_agent.config import load
from edge_agent.gateway_key import BadKeyError, GatewayKey, new_key, read_key
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn


def key(given: argparse.Namespace) -> int:
    """Shows the public half only; nothing shows the other."""
    try:
        if given.action == "new":
            made = new_key(given.file)
            say(f"{given.file}: made, and readable by its owner only; a copy of it is a second gateway")
            return _show(made, given.gateway)
        if (given.file is None) == (given.config is None):
            warn("name a FILE, or the site's with --config; one of them")
            return BAD_USAGE
        file, gateway = _of_site(given.config) if given.config else (given.file, given.gateway)
        return _show(read_key(file), gateway)
    except BadKeyError as error:
        warn(str(error))
        return FAILED


def _of_site(config: Path) -> tuple[Path, str]:
    """Raises BadConfigurationError, and BadKeyError when the site signs with none."""
    settings = load(config)
    if settings.signing_key is None:
        raise BadKeyError(f"{config}: has no [signing], so nothing is signed; docs/operations.md says how")
    return settings.signing_key, settings.gateway


def _show(key: GatewayKey, gateway: str) -> int:
    say(f"fingerprint {key.fingerprint}")
    say("for the file of trusted keys, where billing is done:")
    say("")
    say("[[key]]")
    say(f'gateway = "{gateway}"')
    say(f'public = "{key.public}"')
    return FINE
