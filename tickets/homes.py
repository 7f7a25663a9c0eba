"""Doors of homes (门牌) in a folded text that are known by who lives there, or by the words that tell of a home.

A house in a village has a number and no more, so it is a door where a home is told of (家住, 住址：), and the
place of the matter elsewhere.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from normalizers import rules
from normalizers.findings.words import trie
from normalizers.text import Span

_ROOM = r"(?!1(?:10|19|20|22)(?![0-9])|20[0-2][0-9](?![0-9]))[1-9][0-9]?(?:0[1-9]|[12][0-9])(?![0-9])"
_ANY = rf"(?:[0-9]{{1,2}}(?:-[0-9]{{1,4}}){{1,3}}|{_ROOM})"
_HAN_ROOM = "[一二三四五六七八九十]{1,2}[〇零][一二三四五六七八九]"
_BEFORE_A_NAME = re.compile(
    rf"((?<![0-9./年-])(?<![0-9]:)(?<!公交)(?<!航班){_ANY}|{_HAN_ROOM})"
    r"(?:室|号?房|户|家)?(?:的|那[个家户位]|住的|业主|住户|邻居|[\s-])?$"
)
_BEHIND_A_NAME = re.compile(rf"[\s,、(]{{1,2}}({_ANY})(?=[\s,、)。;]|$)")
_ENDS_BEFORE_A_NAME = frozenset("0123456789一二三四五六七八九室房户家的个位住主居- ")
_NEAR = 16

_FAR = 40
_IN_THREE_NUMBERS = re.compile(r"[0-9](?<![0-9-][0-9])[0-9]{0,2}(?:-[0-9]{1,2}){2,3}(?![0-9-])")

_BEHIND_A_HOUSE = re.compile(r"号(?<=[0-9]号) ?([1-9][0-9]{2,3})(?=[,。;!\s]|$)")
"""231甲3号451: a flat of a house, by its staircase, floor and door."""

_IN_A_YARD = re.compile(
    "院(?:子|儿|里|内|的){0,2}([东西南北](?:厢房?|屋|房|边?第?[0-9一二三四五六七八九]间)(?![子顶檐价产]))"
    "|房(?<=[平瓦]房)((?:[东西南北][头边]?)?(?:数|起|往){0,2}第?[0-9一二三四五六七八九十]{1,2}间)"
)
"""A room of a yard: 院子东厢, 平房第三间."""

_WHO = re.compile(rf"是(?<=[我们里边俺]是) ?({_ANY})(?=的?(?:[,。;!\s]|$)|业主|住户|租户)")
_IN_BRACKETS = re.compile(rf"\((?<=[户家居主上下壁门]\()({_ANY})[室户]?\)")
_HOUSEHOLD_AT_AN_END = re.compile(r"头第(?<=[东西南北]头第)([0-9一二三四五六七八九十]{1,3}户(?![外型口内]))")
_IN_A_STREET = re.compile(r"[0-9](?<=[街路里区巷][0-9])[0-9]{0,2}-[0-9]{1,2}-[0-9]{1,2}号(?![楼线])")
_ON_A_FLOOR = re.compile(
    r"[楼层](?<=[0-9][楼层])(?:(?<=[上下壁门家住在][0-9][楼层])|(?<=[上下壁门家住在][0-9]{2}[楼层]))"
    r" ?([0-9]{1,2}号)(?![楼线窗机电柜台桌院])"
)
_OWNED = re.compile(
    r"[0-9](?<![0-9-][0-9])[0-9]{0,2}(?:-[0-9]{1,3}){2}(?=室?的?(?:户主|业主(?!大会|委|群)|住户|租户|租客|邻居))"
)
_BY_A_WORD = (_WHO, _IN_BRACKETS, _HOUSEHOLD_AT_AN_END, _ON_A_FLOOR)
_WITH_HYPHENS = (_IN_A_STREET, _OWNED)
_ENGLISH = ("room", "rm", "suite", "unit", "flat", "apt", "apartment")
_IN_ENGLISH = re.compile(
    r"(?:room|rm|suite|unit)[. #:]{0,3}(?:no\.? ?)?([0-9]{1,2}[a-z]|[0-9]{3,4}[a-z]?|[0-9]{1,2}-[0-9]{2,4})(?![0-9a-z])"
    r"|(?:flat|apt|apartment)[. #:]{0,3}(?:no\.? ?)?([0-9]{1,4}[a-z]?)(?![0-9a-z])"
)


class Homes(NamedTuple):
    """What tells of a home; made of `[homes]` in `rules/names.toml`."""

    told_of: re.Pattern[str]
    told_behind: re.Pattern[str]
    house: re.Pattern[str]
    household: re.Pattern[str]


@rules.of_files("names.toml")
def rulebook(folder: Path | None = None) -> Homes:
    """Return what tells of a home by the city's own file, or ours."""
    found = rules.load("names", folder)["homes"]
    told_of, told_behind = (trie(found[name].split()) for name in ("told_of", "told_behind"))
    village = trie(found["villages"])
    number = r"[0-9]{1,4}(?:-[0-9]{1,3})?(?:附[0-9]{1,2})?[号户]"
    return Homes(
        told_of=re.compile(rf"(?:{told_of}|(?<![发题映店司生])地址)[^。;!?\n]*$"),
        told_behind=re.compile(rf"[^。;!?\n]{{0,12}}{told_behind}"),
        house=re.compile(rf"{village}[第的]?({number})(?![线楼院杆井灯桥路])"),
        household=re.compile(rf"第(?<={village}第)([0-9]{{1,3}}户)"),
    )


def homes(text: str, rules_folder: Path | None = None) -> Iterator[Span]:
    """Yield the doors that the words around them tell of."""
    known = rulebook(rules_folder)
    for pattern in (known.household, *_BY_A_WORD, *(_WITH_HYPHENS if "-" in text else ())):
        yield from [match.span(match.lastindex or 0) for match in pattern.finditer(text)]
    yield from _told_of(text, known)
    if ("m" in text or "t" in text) and any(word in text for word in _ENGLISH):
        for door in _IN_ENGLISH.finditer(text):
            if not text[door.start() - 1 : door.start()].isalpha():
                yield door.span(door.lastindex or 0)


def _told_of(text: str, known: Homes) -> Iterator[Span]:
    """Yield the houses behind a word for a home, in its sentence."""
    for pattern in (known.house, _BEHIND_A_HOUSE, _IN_A_YARD, *((_IN_THREE_NUMBERS,) if "-" in text else ())):
        for house in pattern.finditer(text):
            told = known.told_of.search(text, max(0, house.start() - _FAR), house.start() + 1)
            if told or (pattern is known.house and known.told_behind.match(text, house.end())):
                yield house.span(house.lastindex or 0)


def beside(text: str, named: Iterable[Span]) -> Iterator[Span]:
    """Yield the doors of those who are named: 502的张阿姨, 王喆 3-502."""
    for start, end in named:
        if text[start] < "\u4e00":
            continue
        if text[start - 1 : start] in _ENDS_BEFORE_A_NAME and (
            before := _BEFORE_A_NAME.search(text, max(0, start - _NEAR), start)
        ):
            yield before.span(1)
        if behind := _BEHIND_A_NAME.match(text, end):
            yield behind.span(1)
