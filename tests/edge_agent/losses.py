"""The smallest record that an outbox can hold: for tests of custody, which do not care what a record says."""

from contract.records import Loss, LossReason


def loss(
    sequence: int, machine: str = "m", epoch: str = "e1", *, start: int | None = None, lasts: int = 1
) -> Loss:
    """``start``: UTC ms, the sequence number where nothing else is said; ``lasts``: ms."""
    start = sequence if start is None else start
    return Loss(
        site="s",
        area="a",
        machine=machine,
        kind="k",
        epoch=epoch,
        gateway="g",
        sequence=sequence,
        sequence_first=sequence,
        start=start,
        end=start + lasts,
        records=1,
        reason=LossReason.CORRUPT,
    )
