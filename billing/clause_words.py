"""A clause of a tariff as a sentence, in English and in Chinese."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import assert_never

from billing import figures, words
from billing.clauses import (
    Base,
    Clause,
    Energy,
    Limit,
    Piece,
    Pollution,
    QuantityPrice,
    Rate,
    Reservation,
    ScrapCredit,
    SetupFee,
    Span,
    Surcharge,
    Whose,
)
from billing.scrap import PARTIES
from billing.tariff import AnyClause
from billing.terms import terms_of
from billing.tiers import Over, Tiers
from billing.where import EVERYWHERE, Where
from billing.wording import CLAUSES, EACH, MODES, ROUNDINGS
from billing.words import Words


def sentence(clause: AnyClause) -> Words:
    match clause:
        case Rate() | Piece() | QuantityPrice():
            said = _counted(clause)
        case Energy():
            said = _energy(clause)
        case Pollution():
            said = _pollution(clause)
        case SetupFee():
            said = _setup_fee(clause)
        case Base():
            said = _base(clause)
        case Reservation():
            said = _reservation(clause)
        case ScrapCredit():
            said = _credit(clause)
        case Surcharge():
            said = _surcharge(clause)
        case Limit():
            said = _limit(clause)
        case _:
            assert_never(clause)
    return said


def _setup_fee(fee: SetupFee) -> Words:
    where = _where(fee.where)
    return Words(
        f"setup, {where.en}: {fee.price} an order, once in its life",
        f"调机费，{where.zh}：每单 {fee.price}，存续期内只计一次",
    )


def _counted(clause: Rate | Piece | QuantityPrice) -> Words:
    terms, where = terms_of(clause), _where(clause.where)
    price = _tiers(clause.tiers, _SO_MUCH.get(terms.priced, f"per {terms.priced.en}"), terms.priced.zh)
    parts = [price, *_block(clause), *_special(clause)]
    en = ", ".join(part.en for part in parts)
    zh = "，".join(part.zh for part in parts)
    return Words(f"{terms.label.en.lower()}, {where.en}: {en}", f"{terms.label.zh}，{where.zh}：{zh}")


_SO_MUCH = {words.HOUR: "an hour", words.PIECE: "a piece", words.BLOCK: "a block"}


def _tiers(tiers: Tiers, unit: str, unit_zh: str) -> Words:
    if len(tiers.steps) == 1:
        price = tiers.steps[0].price
        said = Words(f"{price} {unit}", f"每{unit_zh} {price}")
    else:
        steps = [(f"up to {t.up_to}" if t.up_to else "beyond", t.up_to, t.price) for t in tiers.steps]
        en = "; ".join(f"{to} {price} {unit}" for to, _, price in steps)
        zh = "；".join(f"{f'至 {end}' if end else '以上'} {unit_zh} {price}" for _, end, price in steps)
        kind = MODES[tiers.mode]
        said = Words(f"{en} ({kind.en})", f"{zh}（{kind.zh}）")
    if tiers.over is Over.TENANT:
        return Words(f"{said.en}, over all orders of the tenant", f"{said.zh}，按承租方全部订单合并计")
    return said


def _block(clause: Rate | Piece | QuantityPrice) -> Iterator[Words]:
    block = clause.block
    if block.is_plain:
        return
    show = figures.clock if isinstance(clause, Rate) else "{:,}".format
    if block.free:
        yield Words(f"the first {show(block.free)} free", f"前 {show(block.free)} 免费")
    if block.minimum and clause.first is not None:
        yield Words(
            f"the first {show(block.minimum)} for {clause.first}",
            f"首段 {show(block.minimum)} 计 {clause.first}",
        )
    elif block.minimum:
        yield Words(f"at least {show(block.minimum)}", f"最少 {show(block.minimum)}")
    if block.step > 1:
        rounding = ROUNDINGS[block.rounding]
        yield Words(
            f"in steps of {show(block.step)} {rounding.en}", f"每 {show(block.step)} 一段，{rounding.zh}"
        )
    yield EACH[block.each]


def _special(clause: Rate | Piece | QuantityPrice) -> Iterator[Words]:
    match clause:
        case Rate():
            if clause.band:
                yield Words(
                    f"in {clause.band} of calendar {clause.calendar}",
                    f"时段 {clause.band}（日历 {clause.calendar}）",
                )
            if clause.grace_ms:
                seconds = clause.grace_ms // 1000
                yield Words(f"beyond {seconds} s of each stop", f"每次停机前 {seconds} 秒免费")
        case Piece():
            if clause.paid_beyond is not None:
                yield _scrap_rule(clause)
            if clause.is_rework_once:
                yield Words("rework charged once", "返工只计一次")
        case QuantityPrice():
            if clause.times != 1:
                yield Words(
                    f"the quantity times {figures.plain(clause.times)}",
                    f"数量 × {figures.plain(clause.times)}",
                )
            if clause.less:
                yield Words(f"less {clause.less}", f"扣除 {clause.less}")


def _scrap_rule(piece: Piece) -> Words:
    percent = figures.plain(piece.allowance * 100)
    beyond = piece.paid_beyond or frozenset()
    en = ", ".join(party for party in PARTIES if party in beyond) or "nobody"
    zh = "、".join(words for party, words in PARTIES.items() if party in beyond) or "无"
    return Words(
        f"planned scrap {percent} %, beyond it the tenant pays what was caused by: {en}",
        f"计划次品率 {percent}%，超出部分由承租方承担的责任方：{zh}",
    )


def _energy(energy: Energy) -> Words:
    where, fixed = _where(energy.where), f" + {energy.fixed}" if energy.adders else ""
    floats = f" x the factor of the band of calendar {energy.calendar}" if energy.calendar else ""
    floats_zh = f" × 时段系数（日历 {energy.calendar}）" if energy.calendar else ""
    loss = f", line loss {energy.loss_percent} % on top" if energy.loss_percent else ""
    loss_zh = f"，另加线损 {energy.loss_percent}%" if energy.loss_percent else ""
    adders = ", ".join(f"{a.label.en} {a.price}" for a in energy.adders)
    adders_zh = "、".join(f"{a.label.zh} {a.price}" for a in energy.adders)
    told = f" ({adders}: they do not float)" if adders else ""
    told_zh = f"（{adders_zh}，不参与浮动）" if adders else ""
    return Words(
        f"electricity, {where.en}: {energy.price}{floats}{fixed} per kWh{told}{loss}",
        f"电费，{where.zh}：每千瓦时 {energy.price}{floats_zh}{fixed}{told_zh}{loss_zh}",
    )


def _pollution(clause: Pollution) -> Words:
    where = _where(clause.where)
    en = [f"{clause.price} per {clause.unit.en} of {clause.name}"]
    zh = [f"{clause.name} 每{clause.unit.zh} {clause.price}"]
    for step in clause.steps:
        side = ("below", "低于") if step.is_below else ("above", "高于")
        each = f"{step.size} {step.unit}"
        en.append(f"{step.price} for each {each} begun that {step.label.en} is {side[0]} {step.limit}")
        zh.append(f"{step.label.zh} {side[1]} {step.limit}，每 {each}（不足亦计）加 {step.price}")
    return Words(f"effluent, {where.en}: {'; '.join(en)}", f"污水处理，{where.zh}：{'；'.join(zh)}")


def _base(base: Base) -> Words:
    each = ("machine", "台") if base.each is Whose.MACHINE else ("tenant", "户")
    who = f" ({', '.join(base.tenants)}, used or not)" if base.tenants else ""
    return Words(
        f"base: {base.price} a {base.per} for each {each[0]}{who}",
        f"基本费：每{each[1]}每{_SPANS[base.per]} {base.price}{who}",
    )


_PER = {Span.ORDER: "an order", Span.DAY: "a day", Span.MONTH: "a month"}
_SPANS = {Span.ORDER: "单", Span.DAY: "天", Span.MONTH: "月"}


def _reservation(clause: Reservation) -> Words:
    where = _where(clause.where)
    late = _late(clause)
    en = [
        f"idle or off under a lease {clause.unused_percent} % of {clause.per_hour} an hour",
        f"nobody came {_fee(clause.no_show_percent, clause.no_show_fee)}",
        f"given back {late.en} {_fee(clause.cancelled_percent, clause.cancelled_fee)}",
    ]
    zh = [
        f"预约未用按每小时 {clause.per_hour} 的 {clause.unused_percent}%",
        f"未到 {_fee(clause.no_show_percent, clause.no_show_fee)}",
        f"{late.zh}取消 {_fee(clause.cancelled_percent, clause.cancelled_fee)}",
    ]
    if clause.is_waived_when_reused:
        en.append("nothing for what somebody else had then")
        zh.append("他人占用的时间不计")
    return Words(f"reservation, {where.en}: {'; '.join(en)}", f"预约，{where.zh}：{'；'.join(zh)}")


def _late(clause: Reservation) -> Words:
    notice = figures.clock(clause.notice_ms)
    if not clause.is_same_day_late:
        return Words(f"with less than {notice} notice", f"提前不足 {notice}")
    if not clause.notice_ms:
        return Words("on the day", "当天")
    return Words(f"on the day, or with less than {notice} notice", f"当天或提前不足 {notice}")


def _fee(percent: Decimal, fee: Decimal) -> str:
    return " + ".join(filter(None, (f"{percent} %" if percent else "", str(fee) if fee else ""))) or "0"


def _credit(clause: ScrapCredit) -> Words:
    where = _where(clause.where)
    en = ", ".join(party for party in PARTIES if party in clause.causes)
    zh = "、".join(words for party, words in PARTIES.items() if party in clause.causes)
    of = ", ".join(clause.of)
    return Words(
        f"credit, {where.en}: the time ({of}) of pieces that {en} spoilt, as they are of all pieces",
        f"抵扣，{where.zh}：{zh}原因次品所占的时间（{of}），按件数比例",
    )


def _surcharge(clause: Surcharge) -> Words:
    name, where = CLAUSES[clause.clause], _where(clause.where)
    of, about = ", ".join(clause.of), f" {where.en}" if clause.where != EVERYWHERE else ""
    if clause.percent is not None:
        how, how_zh = f"{clause.percent} % of", f"{clause.percent}%"
    elif clause.price is not None:
        how, how_zh = f"{clause.price} an {clause.per} with", f"每{_SPANS[clause.per]} {clause.price}"
    else:
        steps = ", ".join(f"above {step.above} {step.percent} %" for step in clause.steps)
        kind = "each part at its own" if clause.is_graduated else "all at the one reached"
        how, how_zh = (
            f"by the {clause.per}'s amount ({steps}; {kind}) of",
            f"按{_SPANS[clause.per]}金额（{steps}）",
        )
    more = _conditions(clause)
    return Words(
        f"{name.en.lower()}{about}: {how} {of}{more.en}",
        f"{name.zh}{where.zh if about else ''}：{of} 的 {how_zh}{more.zh}",
    )


def _conditions(clause: Surcharge) -> Words:
    en, zh = "", ""
    if clause.band:
        en += f", in {clause.band} of calendar {clause.calendar}"
        zh += f"，时段 {clause.band}（日历 {clause.calendar}）"
    if clause.due_within_ms:
        hours = figures.plain(Fraction(clause.due_within_ms, 3_600_000))
        en += f", for orders wanted within {hours} h"
        zh += f"，交期 {hours} 小时以内的订单"
    if clause.tenants:
        en += f", for {', '.join(clause.tenants)}"
        zh += f"，限 {'、'.join(clause.tenants)}"
    return Words(en, zh)


def _limit(limit: Limit) -> Words:
    is_least = limit.clause is Clause.MINIMUM
    each = " for each machine" if limit.each is Whose.MACHINE else ""
    each_zh = "每台" if limit.each is Whose.MACHINE else ""
    of = f", {limit.where.kind} only" if limit.where != EVERYWHERE else ""
    of_zh = f"，仅 {limit.where.kind}" if limit.where != EVERYWHERE else ""
    who = f" ({', '.join(limit.tenants)}, used or not)" if limit.tenants and is_least else ""
    return Words(
        f"at {'least' if is_least else 'most'} {limit.amount} {_PER[limit.per]}{each}{of}{who}",
        f"{each_zh}每{_SPANS[limit.per]}{'最低' if is_least else '封顶'} {limit.amount}{of_zh}{who}",
    )


def _where(where: Where) -> Words:
    if where.machine:
        return Words(f"machine {where.machine}", f"机台 {where.machine}")
    if where.grade:
        return Words(f"grade {where.grade}", f"等级 {where.grade}")
    if where == EVERYWHERE:
        return Words("every machine", "所有机台")
    return Words(f"kind {where.kind}", f"机型 {where.kind}")
