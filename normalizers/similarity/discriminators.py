"""Marks: what tells one thing from another of its kind: 3号楼 from 5号楼, 115路 from 151路, 11月20日 from 11月25日.

A mark is a kind and which one of it. Two messages that have marks of one kind, and none of them the same, tell of two
things, whatever else they share. The kinds that have words of their own stand in `rules/matters.toml`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from normalizers.rules import precompiled
from normalizers.similarity.circumstances import NO_NAME, Circumstances, circumstances, circumstances_in
from normalizers.similarity.dates import days_told
from normalizers.similarity.numbers import DOOR, exits_and_models, floors_and_rooms
from normalizers.similarity.reference_numbers import Papers, labelled_in, papers_in, papers_of_rules
from normalizers.similarity.stance import Stances, stances, stances_in
from normalizers.text.matcher import COMPACT, last_of, trie
from normalizers.text.numerals import DIGITS, NUMERALS

Mark = tuple[str, str]

_ONE_HAN = r"[\u4e00-\u9fff]"
_TWO_HAN = precompiled.pattern(rf"{_ONE_HAN}{{2}}")
_LATIN = r"(?<![a-z0-9.])(?:[a-z]{0,2}\d{1,4}|[a-z]{1,2})"
_OTHER_WORDS = "(?!末班)[民委长位谈间域家员别政面市诊限末待午旬年心国等途秋型毒奖灯口段边织成伍铺]"
"""Behind such a character an ending is the beginning of another word: 期间, 区域, 村民."""

_HOUSE = precompiled.pattern(r"[道路街巷弄](?:(?<=大道)|(?<!道))(\d{1,5})号(?![楼线院])")
"""A house on a road (和平路11号), from the last letter of the road's name on, which is looked for."""

_PLATE = precompiled.pattern(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z])[·. ]?([a-z0-9]{4,6})(?![a-z0-9])"
)

_WAY = precompiled.pattern(r"[往向到至](?:(?<=([东西南北]).))([东西南北])")
"""From where to where: 由南向北."""

_TRAVELS = precompiled.pattern(r"([上下])行(?=[车方线扶站列])")
_BOUND = precompiled.pattern(r"([\u4e00-\u9fff]{2})方向|开往([\u4e00-\u9fff]{2})")
"""Where a line goes to: 往机场方向."""

_ALONG = precompiled.pattern(
    r"(?:路|街|大道|巷)([\u4e00-\u9fff]{2})[\u4e00-\u9fff]{0,6}?(?:门口|门前|对面|旁边|隔壁|前面|后面|路段)"
)
"""Where on a long road: 海宁路农行门口."""

_ROAD = rf"(?:(?![{NO_NAME}]){_ONE_HAN}){{2}}"
_ROADS = "(?:大道|大街|马路|路|街)"
_CROSSING = precompiled.pattern(
    rf"({_ROAD}){_ROADS}[与和跟同及、-]?(?:(?![{NO_NAME}]){_ONE_HAN}){{0,2}}?({_ROAD}){_ROADS}"
    rf"{_ONE_HAN}{{0,3}}?(?:口|交叉|交汇|交界|十字)"
)
"""Where two roads meet: 南京街与北五马路交叉口."""

_GRADE = precompiled.pattern("(?<![最更提升年月])([初高])([一二三])(?![点些倍半层个楼米中])")
_CLASS = precompiled.pattern(r"([一二三四五六七八九1-9])年([一二三四五六七八九十]{1,3}|\d{1,2})班")
"""三年二班: as children call it, and no line of the lists."""

_END_OF_TOWN = precompiled.pattern("城([东西南北])")
_BRANCH = precompiled.pattern(r"\(([\u4e00-\u9fff]{2,8})店\)")
_IN_IT = r"(?:[a-z]座)?(?:(\d{3,4})(?!\d)|(\d{1,2})[楼层](?!以[上下]))"
"""A room or a floor of an office tower."""

_OF_EVERYBODY = frozenset({"trouble", "month", "day", "about", "weekday", "stance"})
"""Kinds of marks that tell what happened and when, and nothing of whom or where; so do brands and what is wished."""

_OF_ONE_PLACE = frozenset({"floor", "room", "called", "paid", "age", "whose", "year", "city", "part of day"})
"""Kinds that tell the parts of a place apart, or persons and sums: many places have a 3楼, many people a 老陈."""

_TRADE = 2
"""Characters of a trade, and of an ending that stands before another: 新城小区."""

_IN_NO_NAME = precompiled.pattern(f"[{NO_NAME}]")

_CALLED_ELSE = "序边围末期额打树"
"""Behind such a character 小 and a surname are the beginning of another word: 小程序."""


class Kinds(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    numbered: re.Pattern[str]
    kind_of: Mapping[str, str]
    troubles: re.Pattern[str]
    trouble_of: Mapping[str, str]
    whose: re.Pattern[str]
    relative_of: Mapping[str, str]
    named: re.Pattern[str]
    named_of: Mapping[str, str]
    trades: frozenset[str]
    no_names: frozenset[str]
    ones: AhoCorasick
    one_of: Mapping[str, Mark]
    of_everybody: frozenset[str]
    of_one_place: frozenset[str]
    in_a_tower: re.Pattern[str]
    papers: Papers
    persons: re.Pattern[str]
    title_of: Mapping[str, str]
    stances: Stances
    circumstances: Circumstances


def kinds_of(table: Mapping[str, Any]) -> Kinds:
    """Return the lists of a folder's `matters.toml`."""
    by_any, by_digits, by_side, troubles, relatives, named, titles = (
        _by_word(table[name])
        for name in ("numbered", "numbered_in_digits", "sided", "troubles", "relatives", "named", "titles")
    )
    ones, surnames = _ones(table["ones"]), table["surnames"].strip() or "?"
    not_named = trie(table["not_named"].split())
    known = sorted({*ones, *table["not_ones"].split()})
    return Kinds(
        numbered=precompiled.pattern(
            rf"({_LATIN}|[{DIGITS}十]{{1,3}})({trie(by_any)})(?!{_OTHER_WORDS})"
            rf"|({_LATIN})({trie(by_digits)})(?!{_OTHER_WORDS})|([东西南北])({trie(by_side)})(?![域面市诊])"
        ),
        kind_of=by_any | by_digits | by_side,
        troubles=precompiled.pattern(trie(troubles)),
        trouble_of=troubles,
        whose=precompiled.pattern(f"[我俺咱]家?({trie(relatives)})|({trie(relatives)})的"),
        relative_of=relatives,
        named=precompiled.pattern(f"{not_named}|({trie(named)})(?!费)"),
        named_of=named,
        trades=frozenset((*table["trades"].split(), *table["places"].split())),
        no_names=frozenset(table["no_names"].split()),
        ones=AhoCorasick(known, matchkind=MatchKind.LeftmostLongest, implementation=COMPACT),
        one_of=ones,
        of_everybody=_OF_EVERYBODY.union(kind for kind, _ in ones.values()),
        of_one_place=_OF_ONE_PLACE.union(table["of_one_place"].split(), titles.values()),
        in_a_tower=precompiled.pattern(last_of(table["towers"].split()) + _IN_IT),
        papers=papers_of_rules(table),
        persons=precompiled.pattern(
            f"([{surnames}老小])(?:(?<=[{surnames}])(?<!敬的.)(?<!爱的.)({trie(titles)})(?![:您你])"
            f"|(?<=[老小])([{surnames}])(?![{_CALLED_ELSE}]))"
        ),
        title_of=titles,
        stances=stances_in(table),
        circumstances=circumstances_in(table, relatives),
    )


def marks_of(head: str, rest: str, kinds: Kinds) -> Iterator[Mark]:
    """Yield the marks of a folded message; buildings, dates and troubles only of its head, of which it tells."""
    yield from things_of(head, kinds)
    yield from days_told(head)
    yield from stances(head, kinds.stances)
    yield from (("trouble", kinds.trouble_of[found[0]]) for found in kinds.troubles.finditer(head))
    yield from (("whose", kinds.relative_of[found[1] or found[2]]) for found in kinds.whose.finditer(head))
    for said in (head, rest):
        yield from _houses(said)
        yield from (("plate", "".join(found)) for found in _PLATE.findall(said))
        yield from papers_in(said, kinds.papers)


def _houses(said: str) -> Iterator[Mark]:
    """Yield each house on a road: its ending with the two characters before it, and the number."""
    done = 0
    for house in _HOUSE.finditer(said):
        end = house.start() + 1
        begin = end - (4 if said[end - 1] == "道" else 3)
        if begin >= done and _TWO_HAN.match(said, begin):
            yield said[begin:end], house[1]
            done = house.end()


def things_of(said: str, kinds: Kinds) -> Iterator[Mark]:
    """Yield the marks of buildings, lines, firms and the like: what it is about, not what happened to it and when."""
    named = list(_named(said, kinds))
    yield from named
    yield from _numbered(said, kinds)
    yield from _where_of(said, kinds)
    yield from floors_and_rooms(said)
    yield from labelled_in(said, kinds.papers)
    yield from exits_and_models(said)
    yield from (kinds.one_of[word] for word in kinds.ones.find_matches_as_strings(said) if word in kinds.one_of)
    yield from _persons(said, kinds, {name for _, name in named})


def _numbered(head: str, kinds: Kinds) -> Iterator[Mark]:
    for found in kinds.numbered.finditer(head):
        which, ending = filter(None, found.groups())
        yield kinds.kind_of[ending], NUMERALS.get(which) or which.lstrip("0")


def _named(head: str, kinds: Kinds) -> Iterator[Mark]:
    """Yield the last two characters of each name that stands before what has one; a trade between them is left out."""
    for found in kinds.named.finditer(head):
        if found[1] is None:
            continue
        end = found.start()
        while end >= _TRADE and head[end - _TRADE : end] in kinds.trades:
            end -= _TRADE
        name = head[max(0, end - 2) : end]
        if _TWO_HAN.fullmatch(name) and name not in kinds.no_names and _IN_NO_NAME.search(name) is None:
            yield kinds.named_of[found[0]], name


def _where_of(head: str, kinds: Kinds) -> Iterator[Mark]:
    """Yield which crossing, which way, which end of the town, which branch, which floor or room of a tower."""
    if ("口" in head or "交" in head or "十字" in head) and ("路" in head or "街" in head or "大道" in head):
        yield from (("crossing", "+".join(sorted(roads))) for roads in _CROSSING.findall(head))
    yield from (("way", "".join(found)) for found in _WAY.findall(head))
    yield from (("城", side) for side in _END_OF_TOWN.findall(head))
    yield from (("way", way) for way in _TRAVELS.findall(head))
    if "方向" in head or "开往" in head:
        yield from (("bound", name) for name in map("".join, _BOUND.findall(head)) if _IN_NO_NAME.search(name) is None)
    yield from (("along", name) for name in _ALONG.findall(head) if _IN_NO_NAME.search(name) is None)
    for year, one in _CLASS.findall(head) if "班" in head else ():
        yield from (("年级", NUMERALS.get(year) or year), ("班", NUMERALS.get(one) or one))
    if "初" in head or "高" in head:
        yield from ((f"{school} grade", NUMERALS[year]) for school, year in _GRADE.findall(head))
    yield from (("branch", name) for name in _BRANCH.findall(head))
    for building, unit, _ in DOOR.findall(head) if "-" in head else ():
        yield from (("号楼", building), ("单元", unit))
    for room, floor in kinds.in_a_tower.findall(head):
        yield ("room", room) if room else ("floor", floor)


def tells_where(kind: str, kinds: Kinds) -> bool:
    """Say whether a mark of this kind alone tells where something is, or whose, as a bus line does."""
    of_many = kind in kinds.of_one_place or kind.endswith(" grade")
    return not of_many and kind.split()[0] not in kinds.of_everybody


def circumstances_of(head: str, marks: Collection[Mark], day: date | None, kinds: Kinds) -> Iterator[Mark]:
    """Yield when, where, to whom and how much: marks where no other tells whose matter it is."""
    if all(kind.split()[0] in kinds.of_everybody for kind, _ in marks):
        yield from circumstances(head, day, kinds.circumstances)


def _persons(head: str, kinds: Kinds, shops: Collection[str]) -> Iterator[Mark]:
    """Yield by whose surname somebody is called: 王老师, 李某, 老陈; a shop that is called so has its mark."""
    for found in kinds.persons.finditer(head):
        surname, title, called = found.groups()
        if title:
            yield kinds.title_of[title], surname
        elif found[0] not in shops:
            yield "called", called


def _ones(lines: str) -> dict[str, Mark]:
    """Return each word's kind, the first of its line, and which one of it, the first of those joined by `=`."""
    each = [
        (line.split()[0].split("=")[0], one.split("=")) for line in lines.strip().splitlines() for one in line.split()
    ]
    return {name: (kind, names[0]) for kind, names in each for name in names}


def _by_word(lines: str) -> dict[str, str]:
    return {word: line.split()[0] for line in lines.strip().splitlines() for word in line.split()}
