"""行政区划 as they are written in front of an address: full or short, with the wrong kind, abolished, or twice."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from normalizers.findings import divisions
from normalizers.findings.divisions import CITY, DISTRICT, PROVINCE, Division
from normalizers.findings.place_rules import rulebook
from normalizers.findings.words import Words, trie


class Named(NamedTuple):
    """A division's name in a text; `adcode` is today's (`code_today`), None for one that the table lacks."""

    level: str
    start: int
    end: int
    adcode: str | None


_BETWEEN = re.compile(r"(?:[\s_,，、。;；:：\-—–/()（）·.?？]|中国(?!人)|中华人民共和国|市辖区|null)+")
_TOWN = re.compile(r"[\u4e00-\u9fff]{2,3}(?:街道(?!路)|镇)")
"""A town behind a short name is a part of it: 义乌|北苑街道."""

_EVERYWHERE = frozenset({"城区", "郊区", "矿区"})
"""Names of districts that mean a part of any city elsewhere."""

_OTHER_WORD = re.compile(r"市(?:场|政|民|区|中心)|区(?:块|号)|县(?:城|政|委)|[东西南北]?[路街]")
_KINDS = {"省": PROVINCE, "市": CITY, "州": CITY, "盟": CITY, "县": DISTRICT, "区": DISTRICT, "旗": DISTRICT}
_UNKNOWN = re.compile(
    r"[\u4e00-\u9fff]{1,3}?(?:县(?!城|政|委|道)|市(?!场|政|民|区|中|南|北)|"
    r"(?<=..)(?<!小)(?<!园)(?<!社)(?<!新)(?<!校)(?<!厂)(?<!业)(?<!发)(?<!景)(?<!城)(?<![东西南北一二三四五六])区)"
)


def read(address: str, home: str = "", at: int = 0, rules_folder: Path | None = None) -> tuple[int, list[Named]]:
    """Return where the divisions in front of an address end, and one of each level; a repeat is passed over."""
    found, goes_on = dict[str, Named](), rulebook(rules_folder).goes_on
    within: Division | None = None
    while True:
        at = _between(address, at)
        match = names().match(address, at)
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
        found[level] = Named(level, at, end, divisions.code_today(within))
        at = end
    if found and DISTRICT not in found and (match := _UNKNOWN.match(address, at)):
        found[DISTRICT] = Named(DISTRICT, at, match.end(), None)
        at = match.end()
    return at, sorted(found.values(), key=lambda one: one.start)


def beginnings(
    address: str, home: str = "", at: int = 0, rules_folder: Path | None = None
) -> Iterator[tuple[int, int, list[Named]]]:
    """Yield where an address begins, and what `read` returns there: at `at`, and anew with two divisions or more."""
    end, found = read(address, home, at, rules_folder)
    yield at, end, found
    for start, _ in _outer().spans(address) if found else ():
        if start >= end:
            behind, again = read(address, home, start, rules_folder)
            if len(again) > 1:
                end = behind
                yield start, end, again


def _fitting(
    name: str, within: Division | None, address: str, end: int, home: str, goes_on: re.Pattern[str]
) -> tuple[Division, str, int] | None:
    """Return the division that a name means after another one, its level as written, and where it ends."""
    candidates = divisions.named(name)
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
    follows = names().match(address, _between(address, end))
    if follows and any(one.is_within(best) and one != best for one in divisions.named(follows[0])):
        return best, best.level, end
    is_another = goes_on.match(address, end) and not _TOWN.match(address, end)
    return None if is_another else (best, best.level, end)


def _rank(division: Division, home: str) -> tuple[bool, bool, int]:
    return (
        bool(division.former),
        not divisions.in_city(divisions.code_today(division), home),
        (CITY, PROVINCE, DISTRICT).index(division.level),
    )


def _is_other_word(address: str, at: int) -> bool:
    return bool(_OTHER_WORD.match(address, at))


def _between(address: str, at: int) -> int:
    between = _BETWEEN.match(address, at)
    return between.end() if between else at


@cache
def _outer() -> Words:
    return Words(one for one in divisions.names() if divisions.named(one)[0].level != DISTRICT)


@cache
def names() -> re.Pattern[str]:
    """Return the pattern of every name, full or short, the longest first."""
    return re.compile(trie(divisions.names()))
