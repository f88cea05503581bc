"""What the totals page says, in English and in Simplified Chinese."""

from types import MappingProxyType
from typing import Final

from billing.totals import Status
from billing.words import Words

STATUSES: Final = MappingProxyType(
    {
        Status.DRAFT: Words("draft", "草稿"),
        Status.FROZEN: Words("frozen", "已结账"),
        Status.ISSUED: Words("issued", "已出具"),
    }
)
DOCUMENTS: Final = MappingProxyType(
    {"statement": Words("Statement", "结算单"), "adjustment": Words("Adjustment", "结算调整")}
)
PLACES: Final = MappingProxyType(
    {"suspense": Words("suspense", "挂账"), "disputed": Words("disputed", "争议")}
)
TIME_WORDS: Final = MappingProxyType(
    {
        "run_ms": Words("run", "运行"),
        "setup_ms": Words("setup, trial run", "调机、打样试车"),
        "stop_ms": Words("stop", "停机"),
        "fault_ms": Words("fault", "故障"),
        "idle_ms": Words("idle", "空闲"),
        "maint_ms": Words("maintenance", "保养"),
        "off_ms": Words("off", "关机"),
        "unknown_ms": Words("unknown", "未知"),
    }
)
