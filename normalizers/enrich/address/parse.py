"""Places (地址): the levels of one address, read from left to right and from the large to the small.

Divisions are known by their names; smaller names by how they end (`rules/place.toml`): the ending that comes first ends
a name. What is unknown is passed over and never stops the reading.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from normalizers.geo import divisions as division_names
from normalizers.geo import divisions as towns
from normalizers.geo.divisions import Named
from normalizers.geo.place_patterns import HAN, NUMERAL, Rulebook, rulebook
from normalizers.rules import DEFAULT_RULES, Rules, precompiled
from schemas.records import Finding


class Piece(NamedTuple):
    """One level of an address (`LEVELS`), with where it stands in the text; `end` is exclusive."""

    level: str
    start: int
    end: int
    text: str
    adcode: str | None = None


LEVELS = (
    "province", "city", "district", "zone", "town", "community", "road", "road_number", "sub_road", "sub_road_number",
    "poi", "sub_poi",
)  # fmt: skip
"""From the large to the small; doors (幢, 单元, 室) are none: a door is somebody's home."""

_DIVISIONS = LEVELS[:3]
_WITH = {
    "road": ("road", "road_number", "sub_road", "sub_road_number"),
    "poi": ("poi", "sub_poi"),
}
"""What another road, or another named place, comes with of its own."""

_BLANK = precompiled.pattern(r"[\s_,，、。;；:：\-—–/()（）·.?？]+")
_ROAD_NUMBER = precompiled.pattern(
    r"(?:[甲乙丙丁附]?[A-Za-z]?\d+[A-Za-z甲乙丙丁]?(?:[-—–~～、之_]+\d+[A-Za-z]?)*"
    r"(?:号院|号(?![楼线门]|大街|路)|#|(?=[^\d栋幢座楼室层单号区期米公路组团年]|$)(?!单元|公里))"
    rf"|{NUMERAL}+号(?![楼线门]|大街|路)院?)"
)
_HOUSE_NUMBER = precompiled.pattern(f"[东西南北中]?({_ROAD_NUMBER.pattern})")
_END_OF_ROAD = precompiled.pattern(rf"[东西南北中]{NUMERAL}[路街]")
_SIDES = "东西南北中"
"""Of a place, in front of a door: 青春小区中|9幢."""

_SECTION = precompiled.pattern(r"[东西南北中]段")
"""Where on a road: 环城北路东段 is on 环城北路."""

_SUB_ROAD = precompiled.pattern(rf"(?:{NUMERAL}+|\d+)(?:巷|支路|弄)|[东西南北]巷")
_POINTS_ON = precompiled.pattern(rf"(?:[东西南北中后前]|{NUMERAL}|\d)$")
_BY_NUMBER = precompiled.pattern(r"[A-Za-z]?\d+号?$")
_PART = precompiled.pattern(
    rf"(?:第?{NUMERAL}+|\d{{1,2}})期|[东西南北中](?:{NUMERAL}|\d)?区|[东西南北](?:大?门|楼)(?![{HAN}])"
)
"""A part that is built later (二期), lies on one side (东区) or is an entrance (南门) ends the name before it."""

_NUMBER_INSIDE = precompiled.pattern(rf"[A-Za-z]?\d{{3,}}(?=[{HAN}A-Za-z])")
"""A room without its word, and who sits there: 商务中心|2277|留学."""

_KIND_OF_TOWN = precompiled.pattern("街道办事处|街道办|街道(?!路)|办事处|镇|(?:[\u4e00-\u9fff]{1,3}族)?乡")
_ENDS = frozenset("区场城站心市村镇乡桥门埭坞塘岙湾口里坊苑园县头畈峙")
"""How a place in front of a road ends, more often than a road begins: 模具城|金型路, 鲁家峙|鲁川路."""

_OF_AN_ESTATE = precompiled.pattern("[区城场心站园苑]$")
_SHORT_ROAD = 3
_OF_A_NAME = precompiled.pattern(r"(?<![A-Za-z\d号])\d{1,2}$")
"""A number that belongs to a road's name: 新兴1路, 纬19路."""
_SHORT_STEM = 4
_SHORT_NAME = 3
"""Of so many characters the last one is a part, even if it points: 江南|3幢."""


def parse(address: str, rules: Rules = DEFAULT_RULES, home: str = "") -> tuple[Piece, ...]:
    """Return the pieces of one address, from left to right; of divisions of one name, that in the city `home` is meant.

    `home` is a 行政区划代码 of six digits.
    """
    known = rulebook(rules)
    begun = list(division_names.beginnings(address, home, rules=rules))
    if not begun[0][2] and (town := _behind_town(address, known)):
        begun = list(division_names.beginnings(address, home, town, rules))
    ends = [*(start for start, _, _ in begun[1:]), len(address)]
    pieces: list[Piece] = []
    for (_, at, divisions), end in zip(begun, ends, strict=True):
        said = list(_Reading(address[:end], known, at, rules).pieces(divisions, home))
        pieces = _said_again(pieces, said) if pieces else said
    return tuple(pieces)


def _behind_town(address: str, known: Rulebook) -> int:
    """Return where the address begins behind a town that stands in front of its province or city as well."""
    blank = _BLANK.match(address)
    found = known.name.match(address, blank.end() if blank else 0)
    if found is None or found.lastgroup != "town":
        return 0
    behind = division_names.division_names_names().match(address, found.end())
    is_full = behind is not None and behind[0].endswith(("省", "自治区", "市"))
    return found.end() if is_full else 0


def _said_again(before: list[Piece], after: list[Piece]) -> list[Piece]:
    """Return what an address says that begins anew: the later ones, the fuller divisions, and what is said but once."""
    if sum(one.level in _DIVISIONS for one in after) < sum(one.level in _DIVISIONS for one in before):
        after = [one for one in after if one.level not in _DIVISIONS]
    anew = {level for one in after for level in _WITH.get(one.level, (one.level,))}
    return [*(one for one in before if one.level not in anew), *after]


class _Reading:
    """One address while it is read: `at` is where the reader stands."""

    def __init__(self, address: str, known: Rulebook, at: int, rules: Rules) -> None:
        self._address = address
        self._known = known
        self._rules = rules
        self._at = at
        self._seen: set[str] = set()

    def pieces(self, divisions: Sequence[Named], home: str) -> Iterator[Piece]:
        for one in divisions:
            yield Piece(one.level, one.start, one.end, self._address[one.start : one.end], one.adcode)
        yield from self._town(next((one.adcode for one in reversed(divisions) if one.adcode), home))
        yield from self._names()
        yield from self._roads()
        if "road" not in self._seen and self._seen:
            yield from self._house_number()
        yield from self._named()

    def _town(self, code: str) -> Iterator[Piece]:
        """Yield the town of the city whose name stands here, unless another one begins so: 九堡|碧波苑, 阳明公寓."""
        for end in towns.ends(self._address, self._skip(), code, self._rules):
            kind = _KIND_OF_TOWN.match(self._address, end)
            if kind or not self._goes_on(end):
                yield self._piece("town", kind.end() if kind else end)
                return

    def _goes_on(self, end: int) -> bool:
        """Say whether something else is named like a town: 赤岭路, 阳明公寓, 青竹湖畔小区, 江南3幢."""
        patterns = (self._known.goes_on, self._known.door, self._known.bare)
        return self._address[end - 1] in "路街巷" or any(one.match(self._address, end) for one in patterns)

    def _names(self) -> Iterator[Piece]:
        """Yield zone, town and community, and an estate when a road follows it."""
        while found := self._known.name.match(self._address, self._skip()):
            level = str(found.lastgroup)
            if level in self._seen or level == "road":
                return
            if level == "poi" and not self._known.road.match(self._address, found.end()):
                return
            if level == "community" and self._known.block.match(self._address, found.end()):
                level = "poi"
            yield self._piece(level, found.end())

    def _roads(self) -> Iterator[Piece]:
        level, number = "road", "road_number"
        while found := self._known.road.match(self._address, self._skip()):
            yield from self._before_road(found)
            end = found.end()
            if more := _END_OF_ROAD.match(self._address, end):
                end = more.end()
            yield self._piece(level, end)
            if section := _SECTION.match(self._address, self._at):
                self._at = section.end()
            if level == "road" and (lane := _SUB_ROAD.match(self._address, self._skip())):
                level, number = "sub_road", "sub_road_number"
                yield self._piece(level, lane.end())
            yield from self._numbers(number)
            level, number = "sub_road", "sub_road_number"
            if aside := self._known.aside.match(self._address, self._skip()):
                self._at = aside.end()
            elif not self._is_another_road():
                return

    def _is_another_road(self) -> bool:
        """Say whether a second road follows the first without a word between: 环城北路|海魄大道."""
        found = self._known.road.match(self._address, self._at)
        return found is not None and "sub_road" not in self._seen and len(found["stem"]) <= _SHORT_ROAD

    def _before_road(self, found: re.Match[str]) -> Iterator[Piece]:
        """Yield the village or estate with which a run too long for a road's name begins."""
        stem = found["stem"]
        if len(stem) <= _SHORT_STEM and _OF_A_NAME.search(stem) and found[0].endswith(("路", "街", "大道")):
            return
        numbered = _BY_NUMBER.search(stem)
        cut = numbered.start() if numbered else _cut(stem)
        if cut == 0:
            return
        level = next((one for one in ("town", "community") if one not in self._seen), "community")
        if _OF_AN_ESTATE.search(stem, 0, cut):
            level = "poi"
        yield self._piece(level, self._at + cut)

    def _numbers(self, level: str) -> Iterator[Piece]:
        at = self._skip()
        if number := _ROAD_NUMBER.match(self._address, at):
            yield self._piece(level, number.end())

    def _house_number(self) -> Iterator[Piece]:
        """Yield the number of a house that stands at no road: 仙里村186号, 邹家边14号; not one of a block of flats."""
        number = _HOUSE_NUMBER.match(self._address, self._skip())
        if number and "road_number" not in self._seen and number[1].endswith("号"):
            self._at = number.start(1)
            yield self._piece("road_number", number.end())

    def _named(self) -> Iterator[Piece]:
        """Yield the named place (小区, 大厦, 公司) up to its doors, in two when another one's name follows."""
        address, start = self._address, self._behind_doors()
        if aside := self._known.aside.match(address, start):
            self._at = aside.end()
            start = self._skip()
        end = self._end_of_name(start)
        if end - start < 2 or not re.search(f"[{HAN}]", address[start:end]):
            return
        level = "sub_poi" if "poi" in self._seen else "poi"
        if part := _PART.search(address, start + 2, end):
            yield self._piece(level, part.start())
            yield self._piece("sub_poi", part.end())
            return
        estate = self._known.estate.match(address, start, end)
        if level == "poi" and estate and end - estate.end() >= 2:
            yield self._piece("poi", estate.end())
            level = "sub_poi"
        yield self._piece(level, end)
        yield from self._house_number()

    def _behind_doors(self) -> int:
        """Step over doors that stand in front of a name: 14楼袋鼠仓库."""
        behind, at = self._at, self._skip()
        while (door := self._known.door.match(self._address, at)) and door.end() > at:
            blank = _BLANK.match(self._address, door.end())
            at = blank.end() if blank else door.end()
        goes_on = re.match(f"[{HAN}A-Za-z]{{2}}", self._address[at:])
        self._at = at if goes_on else behind
        return self._skip()

    def _end_of_name(self, start: int) -> int:
        for at in range(start, len(self._address)):
            if _BLANK.match(self._address, at):
                return at
            if self._known.door.match(self._address, at) and not (at > start and self._within_number(at)):
                return at - 1 if at - start > _SHORT_NAME and self._address[at - 1] in _SIDES else at
            if at - start > 1 and (self._ends_name(at) or self._is_room(at)):
                return at
        return len(self._address)

    def _is_room(self, at: int) -> bool:
        return not self._within_number(at) and _NUMBER_INSIDE.match(self._address, at) is not None

    def _ends_name(self, at: int) -> bool:
        aside = self._known.aside.match(self._address, at)
        return aside is not None and (aside[0] == "旁" or len(aside[0]) > 1 or self._is_last(aside.end()))

    def _within_number(self, at: int) -> bool:
        return self._address[at - 1].isascii() and self._address[at - 1].isalnum()

    def _is_last(self, at: int) -> bool:
        behind = _BLANK.match(self._address, at) or self._known.door.match(self._address, at)
        return at == len(self._address) or behind is not None

    def _skip(self) -> int:
        if blank := _BLANK.match(self._address, self._at):
            self._at = blank.end()
        return self._at

    def _piece(self, level: str, end: int) -> Piece:
        start, self._at = self._at, end
        self._seen.add(level)
        return Piece(level, start, end, self._address[start:end])


def _cut(stem: str) -> int:
    """Return where the name of a road of two or three characters begins behind something else; 0 when it is all."""
    if stem.isascii() or len(stem) < (5 if _POINTS_ON.search(stem) else 4):
        return 0
    if len(stem) == 4:
        return 0 if stem[2] in _ENDS else 2
    return len(stem) - (2 if stem[-3] in _ENDS else 3)


FOUND = ("town", "road", "road_number", "poi")
"""The levels of an address that are findings of their own: `place_town` …"""


def findings(
    pieces: Iterable[Piece], at: int | None, scores: Mapping[str, float], source: str, version: str
) -> Iterator[Finding]:
    """Yield the findings of an address that begins at `at`, if it stands in a text; `scores` are by level."""
    for one in pieces:
        if one.level in FOUND:
            yield Finding(
                kind=f"place_{one.level}",
                value=one.text,
                score=round(scores.get(one.level, 0.0), 2),
                span=(at + one.start, at + one.end) if at is not None else None,
                source=source,
                version=version,
            )
