"""The totals of a period for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from billing import figures
from billing.render_table import titled
from billing.totals import Totals
from billing.totals_words import DOCUMENTS, STATUSES, TIME_WORDS

_TEXTS = ("tenant 承租方", "document 单据", "status 状态")
_NUMBERS = ("net 不含税", "tax 税额", "gross 价税合计", "waiting 待确认")


def totals_table(totals: Totals) -> RenderableType:
    table = titled(f"totals 结算汇总  {totals.site.id} {totals.period.name}")
    for name in _TEXTS:
        table.add_column(name.replace(" ", "\n"))
    for name in _NUMBERS:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for each in totals.tenants:
        for number, part in enumerate(each.parts):
            called, status = DOCUMENTS[part.document], STATUSES[part.status]
            shown = f"{status.en} {status.zh}" + (f" {part.revision}" if part.revision else "")
            waiting = str(each.waiting or "") if not number else ""
            money = map(figures.yuan, (part.net, part.tax, part.gross))
            who = f"{each.tenant.id} {each.tenant.name_zh}".strip() if not number else ""
            table.add_row(who, f"{called.en} {called.zh}", shown, *money, waiting)
    table.add_section()
    for tax in totals.taxes:
        table.add_row(
            f"VAT 增值税 {tax.percent} %", "", "", *map(figures.yuan, (tax.net, tax.tax, tax.gross)), ""
        )
    whole = [Text(figures.yuan(value), "bold") for value in (totals.net, totals.tax, totals.gross)]
    table.add_row(Text("total 合计", "bold"), "", totals.currency, *whole, "")
    return Group(table, *_below(totals))


def _below(totals: Totals) -> list[Text]:
    host = ", ".join(
        f"{words.en} {words.zh} {figures.clock(totals.host[name])}"
        for name, words in TIME_WORDS.items()
        if totals.host[name]
    )
    blocking = sum(one.effect == "block" for one in totals.findings)
    said = [
        f"the host's machine time 主办方时间: {host or '0:00:00'}",
        f"waiting 挂账与争议: {len(totals.waiting)}",
        f"findings 需核查: {len(totals.findings)}, {blocking} block",
    ]
    early = ["preliminary 预结算: the period is not over"] if totals.preliminary else []
    override = [f"closed with items open 人工确认后结账: {totals.override}"] if totals.override else []
    return [Text(text, "dim") for text in (*said, *early, *override)]
