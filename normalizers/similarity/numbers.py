"""Which one of many, told by a number: a room, a floor, a model, an exit; and an amount."""

from collections.abc import Iterator

from normalizers.rules import precompiled
from normalizers.text.numerals import DIGITS, NUMERALS, TIMES, value_of

Mark = tuple[str, str]

NUMBER = rf"(?:(?<![\d.])\d{{1,4}}|(?<![{DIGITS}十百])[{DIGITS}十]{{1,3}})"

_LIVES = precompiled.pattern("[我俺咱]|住(?!户)|本人|家在|业主")
"""In whose clause a room or floor is where the writer lives, as all neighbours do who tell of one lift."""

_WAY = r"[\u4e00-\u9fff]{0,8}?\d{1,3}(?:号楼|[栋幢座号]|-)(?:\d{1,2}(?:单元|-))?\d{3,4}(?:室|号|户)?"
_ONLY_LIVES = precompiled.pattern(
    rf"(?:我们?|俺们?|咱们?|本人)?家?(?:现|就)?(?:(?:居?住|在)[在于]?{_WAY}|是{_WAY}的?(?:业主|住户|居民))"
)
"""A clause that says no more than in which room the writer lives: 我家住3-1-501."""

_AT_HOME = precompiled.pattern("楼上|楼下|隔壁|对门|邻居|[我俺咱](?:们)?家(?!现?居?住|在)|家[里中]")
"""What happens in a flat, and in each flat is another matter."""

_IN_A_HOUSE = precompiled.pattern("[楼层室户房元栋幢座-]")

_FLOOR = precompiled.pattern(
    rf"(负|地下|b)?(?<![共总高建盖有到至爬上停从])({NUMBER})(?:楼|层)(?![以高上下道梯台盘房宇面级次]|的楼|[东西南北]?[单号])"
)
_ROOM = precompiled.pattern(
    r"(?:号楼|单元|[栋幢座])-?(\d{3,4})(?![\d年元块度米]|平|多)|(?<!\d)(\d{3,4})(?=室(?![内外])|住户|号房|房间)"
)
DOOR = precompiled.pattern(r"(?<![\d-])(\d{1,2})-(\d{1,2})-(\d{3,4})(?!\d)")
"""Building, unit and room of a home in short: 2-1-301."""

_OF_THREE = precompiled.pattern(r"\d\d\d")
_NEIGHBOURS = precompiled.pattern("楼上|楼下|隔壁|对门|邻居|[上下]面")
_CLAUSE = precompiled.pattern(r"[^,。!?;:\s]+")

_LATIN = precompiled.pattern("[a-z]")
_EXIT = precompiled.pattern(r"(?<![a-z0-9])([a-z]\d?)口")

_MODEL = precompiled.pattern(r"(?<![a-z0-9])([a-z]{2,8})[ -]?(\d{1,4})(?![a-z0-9.])")

_PAID = precompiled.pattern(
    rf"(?<![\d.])(\d{{1,12}}(?:\.\d{{1,6}})?)([万千百]?)(?=元|块)|(?<![{DIGITS}十百千万几数])([{DIGITS}十百千万零两]{{1,9}})(?=元|块钱)"
)
_AGE = precompiled.pattern(r"(\d{1,3})岁(?![以之及])")


def exits_and_models(head: str) -> Iterator[Mark]:
    """Yield what is told by a Latin letter."""
    if _LATIN.search(head) is not None:
        yield from (("号口", door) for door in _EXIT.findall(head))
        yield from _MODEL.findall(head)


def floors_and_rooms(head: str) -> Iterator[Mark]:
    """Yield floors and rooms, but those where the writer lives."""
    if _IN_A_HOUSE.search(head) is None:
        return
    for clause in _CLAUSE.findall(head):
        if _LIVES.search(clause) is not None:
            continue
        for below, number in _FLOOR.findall(clause) if "楼" in clause or "层" in clause else ():
            yield "floor", f"{'-' if below else ''}{NUMERALS.get(number, number)}"
        if _OF_THREE.search(clause) is not None:
            yield from (("room", room) for room in _rooms(clause))


def homes(said: str) -> Iterator[str]:
    """Yield the rooms that are told, of whomever but the neighbours: one's own, and those that one writes for."""
    if _IN_A_HOUSE.search(said) is not None:
        for clause in _CLAUSE.findall(said):
            if _OF_THREE.search(clause) is not None and _NEIGHBOURS.search(clause) is None:
                yield from _rooms(clause)


def homes_alone(said: str) -> str:
    """Return the clauses that only tell where the writer lives: two households that pass one text on differ in them.

    None where it may be what happens there: who has water coming through the ceiling tells by it which ceiling.
    """
    if _IN_A_HOUSE.search(said) is None or _AT_HOME.search(said) is not None:
        return ""
    return " ".join(one for one in _CLAUSE.findall(said) if _ONLY_LIVES.fullmatch(one) is not None)


def _rooms(clause: str) -> Iterator[str]:
    yield from (door or room for door, room in _ROOM.findall(clause))
    yield from (room for _, _, room in DOOR.findall(clause))


def amounts(head: str) -> Iterator[Mark]:
    """Yield what was paid, in yuan, and how old somebody is."""
    for amount, unit, in_words in _PAID.findall(head):
        yield "paid", f"{float(amount) * TIMES[unit] if amount else value_of(in_words):.2f}"
    yield from (("age", years) for years in _AGE.findall(head))
