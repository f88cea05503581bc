"""What people read: each thing in English and in Simplified Chinese."""

from decimal import Decimal
from types import MappingProxyType
from typing import Final

from billing.attribution import Doubt
from billing.block import Each, Rounding
from billing.clauses import Clause
from billing.report import By
from billing.tiers import Mode
from billing.words import Words

CLAUSES: Final = MappingProxyType(
    {
        Clause.RUN: Words("Running", "运行"),
        Clause.SETUP: Words("Setup", "调机"),
        Clause.TEST: Words("Trial run", "打样试车"),
        Clause.STOP_TENANT: Words("Tenant stop", "承租方停机"),
        Clause.RESERVED: Words("Reserved, idle", "预约空置"),
        Clause.RESERVED_OFF: Words("Reserved, switched off", "预约关机"),
        Clause.GOOD: Words("Good pieces", "良品"),
        Clause.PRODUCED: Words("Pieces produced", "产量"),
        Clause.REWORK: Words("Rework, charged once", "返工（只计一次）"),
        Clause.QUANTITY: Words("Metered quantity", "计量"),
        Clause.ENERGY: Words("Electricity", "电费"),
        Clause.POLLUTION: Words("Effluent", "污水处理"),
        Clause.SETUP_FEE: Words("Setup fee", "调机费"),
        Clause.BASE: Words("Base fee", "基本费"),
        Clause.UNUSED: Words("Reserved, not used", "预约未用"),
        Clause.NO_SHOW: Words("Reserved, nobody came", "预约未到"),
        Clause.CANCELLED: Words("Cancelled too late", "逾期取消"),
        Clause.SCRAP_CREDIT: Words("Credit for the host's scrap", "主办方原因次品抵扣"),
        Clause.SURCHARGE: Words("Surcharge", "加价"),
        Clause.DISCOUNT: Words("Discount", "优惠"),
        Clause.MINIMUM: Words("Minimum, the rest of it", "最低消费补足"),
        Clause.CAP: Words("Cap, what lies beyond", "封顶减免"),
        Clause.MANUAL: Words("Other", "其他"),
    }
)

QUANTITIES: Final = MappingProxyType(
    {
        "weld_mm": Words("Weld", "焊缝"),
        "weld_starts": Words("Weld starts", "起弧"),
        "wire_g": Words("Welding wire", "焊丝"),
        "gas_l": Words("Shielding gas", "保护气"),
        "picks": Words("Picks", "纬数"),
        "courses": Words("Courses", "横列"),
        "water_l": Words("Water", "用水"),
        "effluent_l": Words("Effluent", "污水"),
        "steam_kg": Words("Steam", "蒸汽"),
        "steam_mj": Words("Steam heat", "蒸汽热量"),
        "rework": Words("Rework", "返工"),
        "scrap": Words("Scrap", "次品"),
        "energy_wh": Words("Electricity", "电"),
    }
)
"""What a metered quantity is called where the tariff does not say it."""


def tier(number: int) -> Words:
    return Words(f"tier {number}", f"第{number}档")


def first_part(shown: str) -> Words:
    return Words(f"the first {shown}", f"首段 {shown}")


def repriced(number: int, was: int) -> Words:
    """Of what was charged before the period at another tier; 0 is none."""
    return Words(
        f"charged before the period at {tier(was).en if was else 'no tier'}, now {tier(number).en}",
        f"前期按{tier(was).zh if was else '未达档'}计，现按{tier(number).zh}",
    )


def of_the_whole_order(note: Words, charged: int) -> Words:
    return Words(
        f"the whole order: {note.en}; {charged} charged before the period",
        f"整单：{note.zh}；前期已计 {charged}",
    )


def credited(bad: int, produced: int) -> Words:
    return Words(f"{bad} of {produced} pieces", f"{produced} 件中的 {bad} 件")


def topped_up(amount: Decimal, charged: Decimal) -> Words:
    return Words(f"at least {amount}, charged {charged}", f"最低 {amount}，已计 {charged}")


def capped(amount: Decimal, charged: Decimal) -> Words:
    return Words(f"at most {amount}, charged {charged}", f"封顶 {amount}，已计 {charged}")


EACH: Final = MappingProxyType(
    {
        Each.ORDER: Words("of all that an order used, from its beginning", "按整单用量"),
        Each.MACHINE: Words("of what an order used of a machine, from its beginning", "按整单与机台"),
        Each.LEASE: Words("of what was used under each lease", "按每次租约"),
        Each.DAY: Words("of each day", "按每天"),
        Each.STOP: Words("of each stop", "按每次停机"),
    }
)
MODES: Final = MappingProxyType(
    {
        Mode.GRADUATED: Words("each part at its own price", "分段计价"),
        Mode.VOLUME: Words("all at the price of the tier reached", "按达到的档次全量计价"),
    }
)
ROUNDINGS: Final = MappingProxyType(
    {
        Rounding.UP: Words("each begun counts", "不足一段按一段计"),
        Rounding.DOWN: Words("only full ones count", "不足一段不计"),
        Rounding.NEAREST: Words("from the half on it counts", "满半段按一段计"),
    }
)

REWORK_ONCE: Final = Words(
    "a piece that went through the machine again was counted again", "返工件再次过机会重复计数"
)

CHARGED_AS_UNUSED: Final = Words(
    "before the period, when it was charged as not used: the difference", "结算期前已按预约未用计，此为差额"
)

FORMULA: Final = Words(
    "Hourly lines: amount = seconds × price ÷ 3600. Other lines: amount = quantity × price."
    " Where a factor stands beside the price, it belongs to the product."
    " Each line is rounded once to the fen, half away from zero.",
    "按时计费：金额 = 秒数 × 单价 ÷ 3600；其他：金额 = 数量 × 单价。单价旁注明系数的，再乘（除）以该系数。"
    "每行四舍五入到分，只舍入一次。",
)
"""With the figures of the page it gives the amounts of the page."""

DOUBTS: Final = MappingProxyType(
    {
        Doubt.NONE: Words("", ""),
        Doubt.CHANGED_IN_GAP: Words(
            "tenant or order changed while nothing was observed", "无数据期间承租方或订单有变更"
        ),
        Doubt.OTHER_LEASE: Words(
            "another lease was in force than the record names", "记录与当时生效的租约不符"
        ),
        Doubt.ORDER_OF_ANOTHER: Words("the order belongs to another tenant", "订单属于另一承租方"),
        Doubt.NO_PAYER: Words("no lease, tenant or announced order", "无租约、承租方或已登记订单"),
        Doubt.NO_WITNESS: Words(
            "nobody has compared the machine's panel with what is metered", "机台面板读数尚未与计量数据核对"
        ),
    }
)

BY: Final = MappingProxyType(
    {
        By.MACHINE: Words("machine", "机台"),
        By.KIND: Words("kind", "机型"),
        By.TENANT: Words("tenant", "承租方"),
        By.ORDER: Words("order", "订单"),
    }
)

GRACE: Final = Words(
    "The free time is counted once, from the moment the machine stopped: a stop stays one stop while its"
    " cause, its party, the tenant, the order or the day changes, so a part that begins later in a long stop"
    " may have none left.",
    "免费时间自机台停下时起算，每次停机只计一次：停机期间原因、责任方、承租方、订单或日期变化，仍为同一次停机；"
    "长时间停机的后段可能已无免费时间。",
)

SETUP_FEE: Final = Words(
    "The setup fee is per order and kind of machine: once in the life of the order, in the period in which it"
    " was first set up or produced.",
    "调机费按订单和机型计：订单存续期间只计一次，计入首次调机或生产的结算期。",
)

CALENDAR: Final = Words(
    "Planned busy time is the calendar time since a machine was first metered, less maintenance and power"
    " off (there is no shift calendar yet). Seen is the observed share of it.",
    "计划占用时间 = 机台首次计量以来的日历时间 − 保养 − 关机（尚无班次日历）。"
    "观测率 = 其中有数据的时间 ÷ 计划占用时间。",
)
"""Every report says so, because a shift calendar would change the figures."""
