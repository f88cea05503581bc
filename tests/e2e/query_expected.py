"""What each query of docs/queries.md must answer, computed from the facts without any database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from msgspec import Struct, structs

from contract.names import DISPUTED
from contract.records import Interval, Quality, Transition
from contract.states import State
from tests.e2e.query_answers import Answer, local
from tests.e2e.query_facts import HOUR, MINUTE, Facts, midnight
from tests.e2e.query_page import Words

_F = TypeVar("_F", bound=Struct)
Expected = Callable[[Facts, Words], Answer]
DAY_MS: Final = 24 * HOUR


def _day(facts: Facts, words: Words) -> Iterator[Interval]:
    return (each for each in facts.intervals if _is_in_day(each.start, words))


def _is_in_day(instant: int, words: Words) -> bool:
    return midnight(words.day) <= instant < midnight(words.day, 1)


def _grouped(facts: Iterable[_F], *names: str) -> list[tuple[dict[str, Any], list[_F]]]:
    groups: dict[tuple[Any, ...], list[_F]] = defaultdict(list)
    for fact in facts:
        groups[tuple(getattr(fact, name) for name in names)].append(fact)
    return [(dict(zip(names, key, strict=True)), own) for key, own in groups.items()]


def _total(intervals: Iterable[Interval], name: str) -> int:
    return sum(
        each.quantities[name] if name in each.quantities else getattr(each, name) for each in intervals
    )


def _fields(fact: Struct, *names: str) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in names}


def utilisation(facts: Facts, words: Words) -> Answer:
    hours: dict[tuple[str, int], list[Interval]] = defaultdict(list)
    for each in _day(facts, words):
        hours[each.machine, each.start // HOUR].append(each)
    return [
        {
            "time": local(hour * HOUR),
            "machine": machine,
            "run_percent": 100 * _total(own, "run_ms") / HOUR,
            "known_percent": 100 * (_total(own, "duration_ms") - _total(own, "unknown_ms")) / HOUR,
        }
        for (machine, hour), own in hours.items()
    ]


TIMES: Final = (
    *("run", "setup", "test", "stop_tenant", "stop_host", "stop_utility", "stop_unknown"),
    *("fault", "idle", "maint", "off", "unknown"),
)


def tenant_day(facts: Facts, words: Words) -> Answer:
    theirs = (each for each in _day(facts, words) if each.tenant == words.tenant)
    return [
        key
        | {f"{time}_s": _total(own, f"{time}_ms") / 1000 for time in TIMES}
        | {"produced": _total(own, "produced"), "scrap": _total(own, "scrap")}
        for key, own in _grouped(theirs, "machine")
    ]


def _of_order(facts: Facts, words: Words) -> list[tuple[dict[str, Any], list[Interval]]]:
    since, until = midnight(words.day) - 29 * DAY_MS, midnight(words.day, 1)
    its = (i for i in facts.intervals if i.order_id == words.order and since <= i.start < until)
    return _grouped(its, "machine")


def order_pieces(facts: Facts, words: Words) -> Answer:
    return [
        key | {"produced": made, "scrap": bad, "good": made - bad}
        for key, own in _of_order(facts, words)
        for made, bad in [(_total(own, "produced"), _total(own, "scrap"))]
    ]


def order_measured(facts: Facts, words: Words) -> Answer:
    return [key | {"measured": _newest(own).measured} for key, own in _of_order(facts, words)]


def _newest(own: Iterable[Interval]) -> Interval:
    return max(own, key=lambda each: each.start)


def order_late_scrap(facts: Facts, words: Words) -> Answer:
    its = (result for result in facts.results if result.order_id == words.order)
    return [
        key | {"late_scrap": sum(r.scrap for r in own), "late_rework": sum(r.rework for r in own)}
        for key, own in _grouped(its, "machine")
    ]


def _states(facts: Facts, words: Words) -> Iterator[Transition]:
    recent = (each for each in facts.transitions if words.now - 25 * HOUR < each.at <= words.now)
    for _, own in _grouped(recent, "machine"):
        yield max(own, key=lambda each: each.at)


def now_state(facts: Facts, words: Words) -> Answer:
    names = ("machine", "state", "party", "stop_code", "tenant", "order_id")
    return [_fields(each, *names) | {"time": local(each.at)} for each in _states(facts, words)]


def _heard(facts: Facts, words: Words) -> Iterator[Interval]:
    recent = (each for each in facts.intervals if words.now - 25 * HOUR < each.start <= words.now)
    return (_newest(own) for _, own in _grouped(recent, "machine"))


def now_heard(facts: Facts, words: Words) -> Answer:
    return [
        _fields(each, "machine", "duration_ms") | {"time": local(each.start)} for each in _heard(facts, words)
    ]


def now(facts: Facts, words: Words) -> Answer:
    live = {each.machine for each in _heard(facts, words) if each.end >= words.now - 10 * MINUTE}
    return [
        _fields(each, "machine", "party", "stop_code", "tenant", "order_id")
        | {"now_state": each.state if each.machine in live else "silent", "since": local(each.at)}
        for each in _states(facts, words)
    ]


def coverage(facts: Facts, words: Words) -> Answer:
    return [
        key
        | {"metered_h": metered / HOUR, "unknown_s": unknown / 1000}
        | {"known_percent": 100 * (metered - unknown) / metered}
        for key, own in _grouped(_day(facts, words), "machine")
        for metered, unknown in [(_total(own, "duration_ms"), _total(own, "unknown_ms"))]
    ]


def stops_by_party(facts: Facts, words: Words) -> Answer:
    parties = {f"{party}_s": f"stop_{party}_ms" for party in ("tenant", "host", "utility", "unknown")}
    return [
        key | {name: _total(own, time) / 1000 for name, time in (parties | {"fault_s": "fault_ms"}).items()}
        for key, own in _grouped(_day(facts, words), "machine")
    ]


def _spans(facts: Facts, words: Words) -> Iterator[Transition]:
    """Those that end on the day: a span's last millisecond is the one before its end."""
    ended = (each for each in facts.transitions if each.span_state in {State.STOP, State.FAULT})
    return (each for each in ended if _is_in_day(each.at - 1, words))


def stop_spans(facts: Facts, words: Words) -> Answer:
    names = ("machine", "span_state", "span_party", "span_stop_code", "span_ms", "span_since")
    return [_fields(each, *names) | {"time": local(each.at)} for each in _spans(facts, words)]


def stop_pareto(facts: Facts, words: Words) -> Answer:
    return [
        key
        | {"lost_s": sum(each.span_ms for each in own) // 1000}
        | {"times": len({(each.machine, each.span_since) for each in own})}
        for key, own in _grouped(_spans(facts, words), "span_state", "span_party", "span_stop_code")
    ]


def _intervals(chosen: Iterable[Interval], *names: str) -> Answer:
    return [_fields(each, "machine", *names) | {"time": local(each.start)} for each in chosen]


def not_actual(facts: Facts, words: Words) -> Answer:
    doubtful = (each for each in _day(facts, words) if each.quality is not Quality.ACTUAL)
    return _intervals(
        doubtful, "tenant", "order_id", "duration_ms", "unknown_ms", "quality", "method", "reason"
    )


def disputed(facts: Facts, words: Words) -> Answer:
    names = ("tenant_before", "tenant_after", "order_before", "order_after", "duration_ms", "reason")
    return [
        _fields(each, "machine", *names)
        | {"time": local(each.start), "produced": each.quantities["produced"]}
        for each in _day(facts, words)
        if DISPUTED in {each.tenant, each.order_id}
    ]


def losses(facts: Facts, words: Words) -> Answer:
    names = ("machine", "epoch", "records", "reason")
    found = (each for each in facts.losses if _is_in_day(each.start, words))
    return [_fields(each, *names) | {"time": local(each.start)} for each in found]


def totals(facts: Facts, words: Words) -> Answer:
    answer = []
    for key, own in _grouped(_day(facts, words), "machine", "epoch"):
        own.sort(key=lambda each: each.start)
        before = own[0].totals["produced"] - own[0].quantities["produced"]
        first, last = own[0].totals["produced"], own[-1].totals["produced"]
        counts = {"counted": last - before, "booked": _total(own, "produced")}
        answer.append(key | {"first_total": first, "last_total": last} | counts)
    return answer


def epochs(facts: Facts, words: Words) -> Answer:
    names = ("machine", "epoch", "reason", "previous_epoch", "profile")
    found = (each for each in facts.meters if _is_in_day(each.at, words))
    return [_fields(each, *names) | {"time": local(each.at)} for each in found]


def quarantine(facts: Facts, words: Words) -> Answer:
    names = ("gateway", "machine", "epoch", "sequence", "reason", "detail", "replayed")
    found = (each for each in facts.quarantined if each.part == 0 and _is_in_day(each.received, words))
    return [_fields(each, *names) | {"time": local(each.received)} for each in found]


def batches(facts: Facts, words: Words) -> Answer:
    counted = ("records", "accepted", "rejected", "kept")
    found = (each for each in facts.batches if _is_in_day(each.sealed, words))
    return [
        key
        | {"batches": len(own)}
        | {name: sum(structs.asdict(each)[name] for each in own) for name in counted}
        for key, own in _grouped(found, "gateway")
    ]


def _measuring(facts: Facts, words: Words, name: str) -> list[tuple[dict[str, Any], list[Interval]]]:
    able = (each for each in _day(facts, words) if name in each.measured.split(","))
    return _grouped(able, "machine")


def energy(facts: Facts, words: Words) -> Answer:
    return [
        key | {"kwh": _total(own, "energy_wh") / 1000} for key, own in _measuring(facts, words, "energy_wh")
    ]


def yields(facts: Facts, words: Words) -> Answer:
    return [
        key | {"produced": made, "scrap": bad, "quality_ratio": (made - bad) / made}
        for key, own in _measuring(facts, words, "scrap")
        for made, bad in [(_total(own, "produced"), _total(own, "scrap"))]
        if made
    ]


EXPECTED: Final[dict[str, Expected]] = {
    "utilisation-by-hour": utilisation,
    "tenant-day": tenant_day,
    "order-pieces": order_pieces,
    "order-measured": order_measured,
    "order-late-scrap": order_late_scrap,
    "now-state": now_state,
    "now-heard": now_heard,
    "now": now,
    "coverage": coverage,
    "stops-by-party": stops_by_party,
    "stop-spans": stop_spans,
    "stop-pareto": stop_pareto,
    "not-actual": not_actual,
    "disputed": disputed,
    "losses": losses,
    "totals": totals,
    "epochs": epochs,
    "quarantine": quarantine,
    "batches": batches,
    "energy": energy,
    "yield": yields,
}
