"""A process to be killed: puts, seals and settles as fast as it can, and says what it was promised.

Started by test_outbox_killed.py with the path of the outbox and a seed.
"""

import os
import random
import sys
from pathlib import Path

import msgspec

from contract.messages import Batch, ExceptionReason, Outcome, Receipt, RecordException, decode_record
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox
from tests.edge_agent.losses import loss


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")  # one write of a short line: never torn by the kill


def answer(sealed: Sealed, dice: random.Random) -> Receipt:
    records = [decode_record(raw) for raw in msgspec.json.decode(sealed.payload, type=Batch).records]
    exceptions = [
        RecordException(
            machine=record.machine,
            epoch=record.epoch,
            sequence=record.sequence,
            outcome=dice.choice([Outcome.KEPT, Outcome.REJECTED]),
            reason=ExceptionReason.STORE,
            detail="",
        )
        for record in records
        if dice.random() < 0.2
    ]
    return Receipt(
        batch=sealed.id,
        collector="c",
        at=0,
        records=len(records),
        accepted=len(records) - len(exceptions),
        unreadable=None,
        retry_after_ms=0,
        exceptions=exceptions,
    )


def live(outbox: Outbox, dice: random.Random) -> None:
    after = {machine: int(checkpoint) for machine, checkpoint in outbox.checkpoints().items()}
    now = 10**12
    while True:
        now += 10_000
        puts = []
        for machine in dice.sample("abc", dice.randint(1, 3)):
            first = after.get(machine, 0)
            after[machine] = first + dice.randint(1, 5)
            records = tuple(loss(n, machine) for n in range(first, after[machine]))
            puts.append(Put(machine=machine, records=records, checkpoint=str(after[machine]).encode()))
        outbox.commit(puts)
        for put in puts:
            say(f"put {put.machine} {after[put.machine]}")
        for sealed in outbox.seal(now, "s-1", limit=2000):
            say(f"sealed {sealed.id}")
        for sealed in outbox.waiting()[: dice.randint(0, 4)]:
            outbox.settle(answer(sealed, dice), now)
            say(f"settled {sealed.id}")


if __name__ == "__main__":
    with Outbox.open(
        Path(sys.argv[1]), site="s", gateway="g", limit_bytes=10**6, ring_bytes=10**9, ring_ms=10**15
    ) as opened:
        say("open")
        live(opened, random.Random(sys.argv[2]))
