"""What each rule says in Chinese, beside its name: the names are stable, since overrides name them."""

from types import MappingProxyType
from typing import Final

from billing.blocking import Effect
from billing.findings import Rule

RULES: Final = MappingProxyType(
    {
        Rule.PARTS: "各状态时间之和不等于区间时长",
        Rule.SUM: "区间数量与累计值不符",
        Rule.FALL: "累计值倒退",
        Rule.CONSERVATION: "分摊合计与机台计量不守恒",
        Rule.SPIKE: "超出可能产能",
        Rule.FROZEN: "运行中计数不动",
        Rule.ESTIMATED: "长时间非实测",
        Rule.CLOCK: "时钟调整或未同步",
        Rule.BETWEEN: "计量段之间差异无说明",
        Rule.REPLACED: "换机或改名后未核对面板",
        Rule.OVERLAP: "时间重叠",
        Rule.HOLE: "记录缺失",
        Rule.EDGE: "期初或期末缺记录",
        Rule.STOPS: "停机明细与区间不符",
        Rule.OPEN_STOP: "停机尚未结束",
        Rule.UNPLACED: "运行时间无处归入",
        Rule.LOSS: "记录丢失",
        Rule.EPOCH: "新计量段",
        Rule.CHAIN: "记录链断裂",
        Rule.SIGNATURE: "签名不符",
        Rule.UNSIGNED: "无签名",
        Rule.CONFLICT: "同名记录内容不同",
        Rule.UNREADABLE: "记录无法读取",
        Rule.UNPRICED: "无单价",
        Rule.UNMEASURED: "计价数量未计量",
        Rule.UNNAMED: "承租方未登记名称",
        Rule.UNTESTED: "检测次数不足",
        Rule.BANDS: "跨时段区间",
        Rule.QUALITY: "质检结果无对应产量",
        Rule.UNWITNESSED: "面板未核对",
        Rule.STOP_TABLE: "停机代码表未存证",
        Rule.SUSPENSE: "挂账待分配",
        Rule.DISPUTED: "争议待裁定",
    }
)

EFFECTS: Final = MappingProxyType({Effect.BLOCK: "阻止结算", Effect.REMARK: "提示"})
