"""What ``gongfang-agent --help`` teaches, command by command."""

from collections.abc import Mapping
from typing import Final

ABOUT: Final = """\
Meters machines: reads them over Modbus about once a second, adds up what they do, and hands the
records over to the collector through an MQTT broker. It can only read; it never writes to a machine."""

FIRST_DAY: Final = """\
the first day:
  gongfang-agent check --config site.toml     is it right, and what will be read
  gongfang-agent probe --config site.toml     does each machine answer, and what does it say
  gongfang-agent run   --config site.toml     meter, until it is told to stop (Ctrl-C, SIGTERM)

a machine that nobody knows (docs/bringup.md goes through it):
  gongfang-agent scan tcp://192.0.2.20:502    what answers there, and what it lets be read
  gongfang-agent probe tcp://192.0.2.20:502 --unit 1 --watch 60      what counts
  gongfang-agent profile new ...              a profile from that, to be finished by hand
  gongfang-agent witness ...                  its panel shows the same: on record, before it is billed

configs/sites/ has commented examples; configs/profiles/ has a file per machine type.
exit codes: 0 fine, 1 failure, 2 bad usage or configuration"""

EXAMPLES: Final[Mapping[str, str]] = {
    "run": """\
It loses nothing on its way: what the collector has not answered for rests in the outbox file.

example:
  gongfang-agent run --config /etc/gongfang/site.toml""",
    "check": """\
Looks at the file, the profiles and the stop-code table it names. Connects to nothing.
Every complaint comes with file, line, key and what to do.

example:
  gongfang-agent check --config site.toml""",
    "probe": """\
With --config: what each machine of a site says through its profile. Exits with 1 when a machine
does not answer, has another serial number than configured, or holds something that its profile does
not expect. A number that is absurdly large, or 65536 times too large, tells of a wrong word_order.

example:
  gongfang-agent probe --config site.toml --machine knit-01

With an address instead: the words of a machine that has no profile yet, each beside what it may mean
in other types and word orders. What is hardly meant (a float of 1e-41) is left out unless --all.
With --watch only what moves is shown, and which reading of it moves as a counter would; --find says
where a number stands that you see on the panel.

  gongfang-agent probe tcp://192.0.2.20:502 --unit 1 --from 0 --count 40
  gongfang-agent probe tcp://192.0.2.20:502 --unit 1 --from 0 --count 40 --watch 60
  gongfang-agent probe tcp://192.0.2.20:502 --unit 1 --from 0 --count 500 --find 22818 --find 25.3
  gongfang-agent probe "rtu:///dev/ttyUSB0?baud=9600&parity=N" --unit 1 --table input""",
    "scan": """\
Reads only (function codes 1 to 4), one request at a time with a pause after each. Asks each unit id
whether it is there, then which registers it lets be read: a refused request is halved until its
edge is known. Where the requests are as many as said beforehand it ends, and tells. A dump is read
by `profile`, replayed by `gongfang-simulator replay`, and compared with a later one.
Exits with 1 when nothing can be read, and when it was ended early; what was found is shown all the
same.

examples:
  gongfang-agent scan tcp://192.0.2.20:502
  gongfang-agent scan tcp://192.0.2.20:502 --units 1-30 --out dump.json
  gongfang-agent scan tcp://192.0.2.20:502 --units 5 --addresses 0-99,4096-4351 --tables holding
  gongfang-agent scan tcp://192.0.2.20:502 --units 5 --wide        where it has no registers below 500
  gongfang-agent scan tcp://192.0.2.20:502 --like dump.json --out later.json""",
    "witness": """\
Before a machine is billed somebody should have seen that what the gateway reads is what its panel
shows. Reads the machine, shows its counters in the units that panels have, compares them with what
you read there, and records who saw what, for which controller (serial number) and which profile
(digest). The collector keeps it; a changed profile or another controller needs a new one.
Exits with 1 when they disagree, when nothing but zeros was compared, and when nothing was recorded.

example:
  gongfang-agent witness --config site.toml --machine loom-01 --by 王师傅
  gongfang-agent witness --config site.toml --machine loom-01 --by 王师傅 \\
    --panel pieces=812 --panel run_h=25.3""",
    "profile": """\
A profile is a file that says what a machine type's registers mean. `new` drafts one from what `scan`
found; of two dumps taken some minutes apart it also tells which numbers counted meanwhile. `check` is
satisfied when no TODO is left. `test` shows what a saved dump means through it. docs/bringup.md goes
through it step by step.

examples:
  gongfang-agent profile new --from first.json later.json --name loom-60
  gongfang-agent profile check loom-60
  gongfang-agent profile test loom-60 --words later.json
  gongfang-agent profile list
  gongfang-agent profile show knit-flat""",
    "key": """\
With a key the agent signs the chain of each machine at the end of each local day; billing, which is told
the public half, then finds whatever was written, changed or taken out behind the gateway's back. The key
stays on the gateway, in a file of mode 0600 of the agent's user, and is never shown. Name it in the
site's file ([signing] key_file) and start the agent again; docs/operations.md has the rest, a lost key too.

examples:
  sudo -u gongfang gongfang-agent key new /var/lib/gongfang/gateway.key --gateway gw-1
  gongfang-agent key show --config site.toml""",
    "resend": """\
For a collector whose database was restored from an older copy. Sending twice changes nothing:
a record is known by its name. Works while the agent runs. Without an offset the instants are
the site's local time; --to itself is not included.

example:
  gongfang-agent resend --config site.toml --from 2026-11-01 --to 2026-11-08T06:00""",
    "status": """\
Exits with 1 when more waits than the outbox should hold.

example:
  gongfang-agent status --config site.toml""",
}
