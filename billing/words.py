"""A thing in English and in Simplified Chinese, and the units in which lines count."""

from msgspec import Struct


class Words(Struct, frozen=True):
    en: str
    zh: str

    def __bool__(self) -> bool:
        return bool(self.en or self.zh)


NO_WORDS = Words("", "")


class Unit(Struct, frozen=True):
    """What is counted or priced. ``name`` is what programs read."""

    name: str
    en: str
    zh: str


MILLISECOND = Unit("ms", "ms", "毫秒")
SECOND = Unit("second", "s", "秒")
HOUR = Unit("hour", "h", "小时")
BLOCK = Unit("block", "block", "段")
PIECE = Unit("piece", "pc", "件")
ORDER = Unit("order", "order", "单")
WH = Unit("Wh", "Wh", "瓦时")
KWH = Unit("kWh", "kWh", "千瓦时")
DAY = Unit("day", "day", "天")
MONTH = Unit("month", "month", "月")
TIME = Unit("time", "time", "次")
FEN = Unit("fen", "fen", "分")
CNY = Unit("CNY", "CNY", "元")
PERCENT = Unit("percent", "%", "%")

_SUFFIXES = (
    ("_kwh", KWH),
    ("_wh", WH),
    ("_mm2", Unit("mm2", "mm²", "平方毫米")),
    ("_cm2", Unit("cm2", "cm²", "平方厘米")),
    ("_dm2", Unit("dm2", "dm²", "平方分米")),
    ("_m2", Unit("m2", "m²", "平方米")),
    ("_m3", Unit("m3", "m³", "立方米")),
    ("_mm", Unit("mm", "mm", "毫米")),
    ("_cm", Unit("cm", "cm", "厘米")),
    ("_m", Unit("m", "m", "米")),
    ("_ml", Unit("ml", "ml", "毫升")),
    ("_l", Unit("l", "l", "升")),
    ("_mg", Unit("mg", "mg", "毫克")),
    ("_g", Unit("g", "g", "克")),
    ("_kg", Unit("kg", "kg", "千克")),
    ("_t", Unit("t", "t", "吨")),
    ("_mj", Unit("MJ", "MJ", "兆焦")),
    ("_ms", MILLISECOND),
)
_NAMED = {
    "produced": PIECE,
    "scrap": PIECE,
    "rework": PIECE,
    "picks": Unit("pick", "pick", "纬"),
    "courses": Unit("course", "course", "横列"),
    "weld_starts": Unit("start", "start", "次"),
}


def unit_of(quantity: str) -> Unit:
    """The unit that the name of a metered quantity tells: ``weld_mm`` counts millimetres."""
    found = _NAMED.get(quantity) or next((unit for end, unit in _SUFFIXES if quantity.endswith(end)), None)
    return found or Unit(quantity, quantity, quantity)


def unit_called(text: str, zh: str = "") -> Unit:
    """A unit as a tariff calls it; one that is known here brings its Chinese name along."""
    known = {unit.en: unit for unit in (*_NAMED.values(), *(unit for _, unit in _SUFFIXES))}
    unit = known.get(text)
    return Unit(text, text, zh or (unit.zh if unit else text))
