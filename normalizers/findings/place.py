"""Places (地址): province, city, district, town, road, number and the named place of an address, and its code.

An address is read from left to right, from the large to the small, as it is written in China: divisions by the table of
their names, the rest by what such names end in. What is skipped or unknown never stops the reading.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from normalizers.findings import divisions
from normalizers.findings.divisions import CITY, DISTRICT, PROVINCE, Division
from normalizers.findings.words import trie


class Piece(NamedTuple):
    """One level of an address, with where it stands in the text."""

    level: str
    start: int
    end: int
    text: str
    adcode: str | None = None


_BLANK = re.compile(r"[\s_,,、。;:\-—–/()()·.]+")
_HAN = r"[\u4e00-\u9fff]"
_NAME = r"[\u4e00-\u9fffA-Za-z]"
_NUMBER = r"(?:[A-Za-z]?\d+(?:[A-Za-z甲乙丙丁]|[-—–~～/、之]\d+)*|[一二三四五六七八九十百]+)"

_ZONE = re.compile(rf"{_HAN}{{0,8}}?(?:(?:经济|高新|技术|产业|旅游|科技|工业|综合|经济技术|高新技术)+(?:产业)?开发区|开发区|高新区|保税区|度假区|管委会)")
_TOWN = re.compile(rf"{_HAN}{{1,6}}?(?:街道(?:办事处|办)?|镇(?!海|江|宁|平|雄|安|原|坪|巴|赉|沅|康|远)|乡(?!村|镇))")
_COMMUNITY = re.compile(rf"{_HAN}{{1,7}}?(?:居委会|村委会|行政村|自然村|社区|村(?!镇|庄|委|口|民))")
_ROAD = re.compile(
    rf"{_NAME}{{1,8}}?(?:大道|公路|国道|省道|大街|胡同|马路|小路|支路|街(?!道|区|坊|面|镇|景|铺)|路(?!口|边|段|面|灯|桥区|局|人|站|线)|巷|弄(?!堂)|(?<!街)(?<!通)(?<!隧)(?<!河)(?<!渠)(?<!管)道(?!口|路|观|教))"
    r"(?:[东西南北中](?:[一二三四五六七八九十]?(?:路|街|段|巷)|(?![\u4e00-\u9fff])))?(?:[一二三四五六七八九十\d]+(?:路|街|巷|弄)(?!公交))?(?:[东西南北中]段)?"
)
_ROAD_NUMBER = re.compile(rf"{_NUMBER}\s*(?:号院|号(?!楼|线|院)|弄|#)?(?![栋幢座楼室层单]|单元|号楼|公里|米|路|区|期)")
_DOOR = re.compile(
    rf"{_NUMBER}\s*(?:号楼|号院|幢|栋|座|单元|室|号房|号门|号厂房|号|层|楼|梯|#)|{_NUMBER}(?=\s*(?:[-—–/]|$))|(?:[东西南北][侧面楼]|地下)?负?{_NUMBER}[层楼]|[A-Za-z]\d*[座栋幢]"
)
_ASSIST = re.compile(r"(?:附近|旁边|对面|隔壁|旁|口|(?:东|西|南|北)?(?:侧|面|边)|门口|交叉口|路口|交汇处|交界处|以[东西南北]|内|里面|后面|前面|斜对面|处)+")


def parse(address: str) -> tuple[Piece, ...]:
    """Return the pieces of one address, from left to right."""
    return tuple(_pieces(address))


def _pieces(address: str) -> Iterator[Piece]:
    at, known = _divisions(address)
    yield from known
    for level, pattern in (("zone", _ZONE), ("town", _TOWN), ("community", _COMMUNITY)):
        at = _skipped(address, at)
        if found := pattern.match(address, at):
            at = found.end()
            yield _piece(level, address, *found.span())
    at = _skipped(address, at)
    if road := _ROAD.match(address, at):
        yield _piece("road", address, *road.span())
        at = _skipped(address, road.end())
        if number := _ROAD_NUMBER.match(address, at):
            yield _piece("road_number", address, *number.span())
            at = number.end()
    yield from _named(address, at)


def _divisions(address: str) -> tuple[int, list[Piece]]:
    """Return where the divisions end, and the last of each level: 浙江省杭州市浙江省杭州市西湖区 says some twice."""
    at, found = 0, dict[str, Piece]()
    within: Division | None = None
    while match := _division_names().match(address, at := _skipped(address, at)):
        division = _fitting(match[0], within, address, match.end())
        if division is None:
            break
        within = division
        found[division.level] = _piece(division.level, address, *match.span(), division.adcode)
        at = match.end()
    return at, sorted(found.values(), key=lambda piece: piece.start)


def _fitting(name: str, within: Division | None, address: str, end: int) -> Division | None:
    """Return the division that a name means after another one; a short name that goes on as something else is none."""
    candidates = divisions.named(name)
    inside = [one for one in candidates if within is None or one.is_within(within)]
    if within is not None and within.level == DISTRICT and not any(one.name == name for one in candidates):
        return None
    is_short = all(one.name != name for one in candidates)
    if is_short and _GOES_ON.match(address, end):
        return None
    if is_short and within is not None and not inside:
        return None
    return (inside or list(candidates))[0]


_GOES_ON = re.compile(r"(?:[东西南北中]?[一二三四五六七八九十]?(?:路|街|大道|大厦|广场|镇|乡|村|街道|巷|公园|花园|小区|新村|苑|酒店|宾馆|医院|学校|中学|小学|大学|公司|银行|桥|湖|山|河|江))")


def _named(address: str, at: int) -> Iterator[Piece]:
    """Yield the named place (小区, 大厦, 公司) that stands after road and number, up to its doors."""
    at = _skipped(address, at)
    if aside := _ASSIST.match(address, at):
        at = _skipped(address, aside.end())
    end = at
    while end < len(address):
        if _BLANK.match(address, end) or _ends_here(address, at, end):
            break
        end += 1
    if end - at > 1 and re.search(_HAN, address[at:end]):
        yield _piece("poi", address, at, end)


def _ends_here(address: str, start: int, at: int) -> bool:
    return bool(_DOOR.match(address, at)) if at == start or not address[at - 1].isalnum() or not address[at - 1].isdigit() else False


def _skipped(address: str, at: int) -> int:
    blank = _BLANK.match(address, at)
    return blank.end() if blank else at


def _piece(level: str, address: str, start: int, end: int, adcode: str | None = None) -> Piece:
    return Piece(level, start, end, address[start:end], adcode)


@cache
def _division_names() -> re.Pattern[str]:
    return re.compile(trie(divisions.names()))


__all__ = ["CITY", "DISTRICT", "PROVINCE", "Piece", "parse"]
