"""In place of a collector: takes every batch and answers at once that all of it was accepted.

    python -m benchmarks.receiver PORT SITE GATEWAY FILE

What it saw goes into FILE as JSON when it is told to stop: the agent must not wait for a database that shares
its processor, so this costs as little as a collector can.
"""

import signal
import sys
import time
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

from contract import topics
from contract.messages import Receipt, batch_id, encode


class Seen(Struct, kw_only=True):
    records: int = 0
    batches: int = 0
    bytes: int = 0
    states: int = 0
    """Messages of live state."""
    metered: dict[str, int] = {}
    """When the first record of each machine came, UTC ms."""
    opened: dict[str, int] = {}
    """What the counter of pieces of each machine said when its epoch was opened."""
    counted: dict[str, tuple[int, int]] = {}
    """The end of each machine's last interval (plant time, UTC ms), and the pieces metered until then."""
    at: list[tuple[int, int]] = []
    """Instant (UTC ms) and records of each batch."""


class _Record(Struct):
    machine: str
    type: str
    readings: dict[str, int] = {}
    totals: dict[str, int] = {}
    start: int = 0
    duration_ms: int = 0


class _Batch(Struct):
    records: list[_Record]


def main() -> None:
    port, site, gateway, file = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    seen = Seen()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="receiver")
    receipts = topics.receipt(site, gateway)
    decoder = msgspec.json.Decoder(_Batch)

    def take(payload: bytes) -> None:
        now, records = time.time_ns() // 1_000_000, decoder.decode(payload).records
        seen.batches += 1
        seen.records += len(records)
        seen.bytes += len(payload)
        seen.at.append((now, len(records)))
        for record in records:
            seen.metered.setdefault(record.machine, now)
            if record.type == "meter":
                seen.opened[record.machine] = record.readings["pieces"]
            elif record.type == "interval":
                end = record.start + record.duration_ms
                seen.counted[record.machine] = end, record.totals["produced"]
        receipt = Receipt(
            batch=batch_id(payload),
            collector="receiver",
            at=now,
            records=len(records),
            accepted=len(records),
            unreadable=None,
            retry_after_ms=0,
            exceptions=[],
        )
        client.publish(receipts, encode(receipt), qos=1)

    def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/batch"):
            take(message.payload)
        else:
            seen.states += 1

    def stop(*_: object) -> None:
        file.write_bytes(msgspec.json.encode(seen))
        client.disconnect()

    signal.signal(signal.SIGTERM, stop)
    client.on_message = heard
    client.on_connect = lambda *_: client.subscribe(
        [(topics.batch(site, gateway), 1), (topics.state(site, "+"), 0)]
    )
    client.connect("127.0.0.1", port)
    client.loop_forever()


if __name__ == "__main__":
    main()
