"""Places (地址): the levels of one address, read from left to right and from the large to the small.

Divisions are known by their names; smaller names by how they end (`rules/place.toml`): the ending that comes first ends
a name. What is unknown is passed over and never stops the reading.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings import division_names
from normalizers.findings.place_endings import ending, refused
from normalizers.findings.words import trie


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


class Rulebook(NamedTuple):
    """The endings of a folder, as patterns that match at a place."""

    name: re.Pattern[str]
    road: re.Pattern[str]
    door: re.Pattern[str]
    aside: re.Pattern[str]
    block: re.Pattern[str]
    estate: re.Pattern[str]
    version: str


_BLANK = re.compile(r"[\s_,，、。;；:：\-—–/()（）·.?？]+")
_HAN = "\u4e00-\u9fff"
_NUMERAL = "[一二三四五六七八九十百]"
_ROAD_NUMBER = re.compile(
    r"(?:[甲乙丙丁附]?[A-Za-z]?\d+[A-Za-z甲乙丙丁]?(?:[-—–~～、之_]+\d+[A-Za-z]?)*"
    r"(?:号院|号(?![楼线门]|大街|路)|#|(?=[^\d栋幢座楼室层单号区期米公路组团年]|$)(?!单元|公里))"
    rf"|{_NUMERAL}+号(?![楼线门]|大街|路)院?)"
)
_END_OF_ROAD = re.compile(rf"[东西南北中]{_NUMERAL}[路街]")
_SECTION = re.compile(r"[东西南北中]段")
"""Where on a road: 环城北路东段 is on 环城北路."""

_SUB_ROAD = re.compile(rf"(?:{_NUMERAL}+|\d+)(?:巷|支路|弄)|[东西南北]巷")
_POINTS_ON = re.compile(rf"(?:[东西南北中后前]|{_NUMERAL}|\d)$")
_BY_NUMBER = re.compile(r"[A-Za-z]?\d+号?$")
_PHASE = re.compile(rf"(?:第?{_NUMERAL}+|\d{{1,2}})期")
"""A part that is built later (二期) ends the name before it."""

_NUMBER_INSIDE = re.compile(rf"[A-Za-z]?\d{{3,}}(?=[{_HAN}A-Za-z])")
"""A room without its word, and who sits there: 商务中心|2277|留学."""

_DISTANCE = r"[往向朝]?[前后左右里东南西北]{0,2}[走行约]?\d+米(?:左右|处)?"
"""How far from a place, and where to: 往右100米, 东北150米."""

_SHORT_ROAD = 3
_OF_A_NAME = re.compile(r"(?<![A-Za-z\d号])\d{1,2}$")
"""A number that belongs to a road's name: 新兴1路, 纬19路."""
_LONGEST_STEM = 9
_SHORT_STEM = 4


def parse(address: str, rules_folder: Path | None = None, home: str = "") -> tuple[Piece, ...]:
    """Return the pieces of one address, from left to right; of divisions of one name, that in the city `home` is meant.

    `home` is a 行政区划代码 of six digits.
    """
    return tuple(_Reading(address, rulebook(rules_folder), home).pieces())


class _Reading:
    """One address while it is read: `at` is where the reader stands."""

    def __init__(self, address: str, known: Rulebook, home: str) -> None:
        self._address = address
        self._home = home
        self._known = known
        self._at = 0
        self._seen: set[str] = set()

    def pieces(self) -> Iterator[Piece]:
        before = self._town_before_all()
        self._at, divisions = division_names.read(self._address, self._home, before)
        for one in divisions:
            yield Piece(one.level, one.start, one.end, self._address[one.start : one.end], one.adcode)
        yield from self._names()
        yield from self._roads()
        if "road" not in self._seen and self._seen:
            yield from self._house_number()
        yield from self._named()

    def _town_before_all(self) -> int:
        """Return where the address begins behind a town that stands in front of its province or city as well."""
        found = self._known.name.match(self._address, self._skip())
        if found is None or found.lastgroup != "town":
            return 0
        behind = division_names.names().match(self._address, found.end())
        is_full = behind is not None and behind[0].endswith(("省", "自治区", "市"))
        return found.end() if is_full else 0

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
        """Yield the village, without an ending, with which a run too long for a road's name begins."""
        stem = found["stem"]
        if len(stem) <= _SHORT_STEM and _OF_A_NAME.search(stem) and found[0].endswith(("路", "街", "大道")):
            return
        if (numbered := _BY_NUMBER.search(stem)) is not None:
            village = numbered.start()
        elif len(stem) - (3 if _POINTS_ON.search(stem) else 2) >= 2 and not stem.isascii():
            village = len(stem) - 3 if len(stem) > 4 else 2
        else:
            return
        if village == 0:
            return
        level = next((one for one in ("town", "community") if one not in self._seen), "community")
        yield self._piece(level, self._at + village)

    def _numbers(self, level: str) -> Iterator[Piece]:
        at = self._skip()
        if number := _ROAD_NUMBER.match(self._address, at):
            yield self._piece(level, number.end())

    def _house_number(self) -> Iterator[Piece]:
        """Yield the number of a house that stands at no road: 仙里村186号, 邹家边14号; not one of a block of flats."""
        number = _ROAD_NUMBER.match(self._address, self._skip())
        if number and "road_number" not in self._seen and number[0].endswith("号"):
            yield self._piece("road_number", number.end())

    def _named(self) -> Iterator[Piece]:
        """Yield the named place (小区, 大厦, 公司) up to its doors, in two when another one's name follows."""
        address, start = self._address, self._behind_doors()
        if aside := self._known.aside.match(address, start):
            self._at = aside.end()
            start = self._skip()
        end = self._end_of_name(start)
        if end - start < 2 or not re.search(f"[{_HAN}]", address[start:end]):
            return
        level = "sub_poi" if "poi" in self._seen else "poi"
        if phase := _PHASE.search(address, start + 2, end):
            yield self._piece(level, phase.start())
            yield self._piece("sub_poi", phase.end())
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
        goes_on = re.match(f"[{_HAN}A-Za-z]{{2}}", self._address[at:])
        self._at = at if goes_on else behind
        return self._skip()

    def _end_of_name(self, start: int) -> int:
        for at in range(start, len(self._address)):
            if _BLANK.match(self._address, at):
                return at
            if self._known.door.match(self._address, at) and not (at > start and self._within_number(at)):
                return at
            if at - start > 1 and (self._ends_name(at) or self._is_room(at)):
                return at
        return len(self._address)

    def _is_room(self, at: int) -> bool:
        return not self._within_number(at) and _NUMBER_INSIDE.match(self._address, at) is not None

    def _ends_name(self, at: int) -> bool:
        aside = self._known.aside.match(self._address, at)
        return aside is not None and (len(aside[0]) > 1 or self._is_last(aside.end()))

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


@cache
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one."""
    table: dict[str, Any] = rules.load("place", folder)
    words = {
        name: table[name].split()
        for name in ("towns", "communities", "zones", "roads", "estates", "bodies", "with_road", "with_estate")
    }
    others = refused(table)
    longer = {
        "towns": (),
        "communities": ("estates",),
        "zones": ("towns", "roads"),
        "roads": ("with_road",),
        "estates": ("towns", "roads", "communities", "with_estate"),
    }
    kinds = {
        kind: ending(words[kind], others, [word for one in after for word in words[one]])
        for kind, after in longer.items()
    }
    lanes = rf"(?:{trie(table['roads_before_number'].split())})(?=\s*[A-Za-z]?\d|$)"
    kinds["roads"] = rf"(?:{kinds['roads']}|{lanes}|(?<=[\d一二三四五六七八九十])(?:村民)?小?组)"
    numbered = r"[A-Za-z]?\d+号?(?=国道|省道|县道|大街|大道|路|街|高速|道|小?组|线)"
    stem = rf"(?P<stem>[{_HAN}A-Za-z]{{1,{_LONGEST_STEM}}}?|[{_HAN}]{{0,4}}?{numbered})"
    part_of = rf"(?![{_HAN}]{{0,6}}(?:{trie(table['part_of_body'].split())}))"
    whole = ending([one for one in words["bodies"] if one not in table["not_first"].split()], others, ()) + part_of
    doors, aside = table["doors"].split(), [*table["aside"].split(), *table["no_name"].split()]
    return Rulebook(
        name=re.compile(
            rf"{stem}(?:(?P<zone>{kinds['zones']})|(?P<town>{kinds['towns']})|(?P<community>{kinds['communities']})"
            rf"|(?P<poi>{kinds['estates']})|(?P<road>{kinds['roads']}))"
        ),
        road=re.compile(rf"{stem}{kinds['roads']}"),
        door=re.compile(
            rf"(?:地下|负)?(?:[A-Za-z]?\d+(?:[-—–~～、_/]+[A-Za-z]?\d+)*[A-Za-z]?|{_NUMERAL}+|[A-Za-z甲乙丙丁]|地下|负)"
            rf"(?:{trie(doors)}|#|$|[\s\-—–/_])"
        ),
        aside=re.compile(rf"(?:(?!{trie(table['not_aside'].split())})(?:{_DISTANCE}|{trie(aside)}))+"),
        block=re.compile(rf"(?:[A-Za-z]?\d+|{_NUMERAL}+)(?:栋|幢|座|号楼|单元|-\d+-\d)"),
        estate=re.compile(rf"[^\s]{{1,12}}?(?:{kinds['estates']}|{whole})"),
        version=table["version"],
    )
