"""What people read: each thing in English and in Simplified Chinese."""

from types import MappingProxyType
from typing import Final, NamedTuple

from billing.attribution import Doubt
from billing.report import By
from billing.tariff import Clause


class Words(NamedTuple):
    en: str
    zh: str


CLAUSES: Final = MappingProxyType(
    {
        Clause.RUN: Words("Running", "运行"),
        Clause.SETUP: Words("Setup", "调机"),
        Clause.TEST: Words("Trial run", "打样试车"),
        Clause.STOP_TENANT: Words("Tenant stop", "承租方停机"),
        Clause.GOOD: Words("Good pieces", "良品"),
        Clause.PRODUCED: Words("Pieces produced", "产量"),
        Clause.SETUP_FEE: Words("Setup fee", "调机费"),
    }
)

UNITS: Final = MappingProxyType(
    {
        "second": Words("s", "秒"),
        "hour": Words("h", "小时"),
        "piece": Words("pc", "件"),
        "order": Words("order", "单"),
    }
)

FORMULA: Final = Words(
    "Hourly lines: amount = seconds × price ÷ 3600. Other lines: amount = quantity × price."
    " Each line is rounded once to the fen, half away from zero.",
    "按时计费：金额 = 秒数 × 单价 ÷ 3600；其他：金额 = 数量 × 单价。每行四舍五入到分，只舍入一次。",
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
    "The setup fee is per order, kind of machine and period: once in each period in which the order was"
    " set up or produced.",
    "调机费按订单、机型和结算期计：订单在某结算期内有调机或生产，即在该期计一次。",
)

CALENDAR: Final = Words(
    "Planned busy time is the calendar time since a machine was first metered, less maintenance and power"
    " off (there is no shift calendar yet). Seen is the observed share of it.",
    "计划占用时间 = 机台首次计量以来的日历时间 − 保养 − 关机（尚无班次日历）。"
    "观测率 = 其中有数据的时间 ÷ 计划占用时间。",
)
"""Every report says so, because a shift calendar would change the figures."""
