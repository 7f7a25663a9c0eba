"""Circumstances: when, where and to whom it befell, and how much it was (昨天下午, 去杭州, 我丈夫, 8600元).

They are marks where a message names neither a place nor a thing that would tell its matter from others of the kind.
Days are told by the calendar: who says 昨天 and who said 今天 the day before mean one day.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.rules import precompiled
from normalizers.similarity.numbers import amounts
from normalizers.text.matcher import Words, trie

Mark = tuple[str, str]

SINCE = "份?(?:起|开始|到|至|以来|以后|之后|后|以前|之前|前|底|末)"
"""Since when it lasts tells no two incidents apart."""

NO_NAME = (
    "的了着过在是有个这那该此找跟和与及被把对向从到给让叫由为我你他她它们咱本某各每全整几一两多间处所名位号楼栋区路街道口边旁近里内外上下前后门"
    "不没都也又就才请去来说因开"
)
"""What stands right before 公司 or 小区 and is no name: grammar, and where something is."""

LEAP_YEAR = 2024
"""Of a year that has every day."""

_FROM = "(?<![从自到至打由])"
_OF_A_DAY = ("今", "昨", "前")
_HOUR = precompiled.pattern(r"的?(?:\d{1,2}|[一二两三四五六七八九十]{1,3})(?:点|时|:\d)")
_NOT_SINCE = precompiled.pattern(f"(?!{SINCE})")
_BEFORE_PART = precompiled.pattern(r"([从自到至打由])$|[今昨前][天日]$|\d[号日]$")

_PART = "(?:[早晚]上|[上下]午|中午|凌晨|夜里|傍晚)"
_DAYS = {"大前": 3, "前": 2, "昨": 1, "今": 0}
_WEEKDAYS = "一二三四五六日"
_DAY = precompiled.pattern(
    rf"{_FROM}(?<![以之提])(大前|前|昨|今)(?=[天日晚夜早晨])(?![天日晚夜早晨]{_PART}?{SINCE})(?!天天|日头)"
)
_DAY_OF_MONTH = precompiled.pattern(
    r"(?:(?<![\d月.从自到至-])|(?<=本月)|(?<=这个月))(\d{1,2})[号日]"
    rf"(?=上午|下午|早|晚|中午|凌晨|夜|当天|那天)(?!{SINCE})"
)
_MOMENT = precompiled.pattern(
    rf"{_FROM}(?<![以之提])(?:(大前|前|昨|今)(?:[天日]|[晚夜早晨])"
    rf"|(上)?个?(?:周|星期|礼拜)([{_WEEKDAYS}天])(?:的?(?:{_PART}|[早晚])|(?<=上周.)|(?<=上星期.)))(?!{SINCE})"
)
"""A day: what is sudden happened then, and not on another day. 周五 alone may be any, 上周五 is one."""

_YEAR = precompiled.pattern(rf"(?<!\d){_FROM}(?:(20\d\d)年|([前去今明])年)(?!{SINCE})")
_YEARS = {"前": -2, "去": -1, "今": 0, "明": 1}

_HAN = "[\u4e00-\u9fff]"
_NAME = f"(?![骗黑老新私国正无违假非不没这那我你他她它一个什哪谁怎有在把要想能会该本某]){_HAN}{{2}}"
_BEFORE_SHOP = precompiled.pattern(rf"(?:(?![{NO_NAME}]){_HAN}){{2,}}$")
_FOUR, _LONGEST = 4, 12

_NO_NAMES = ("no_names", "idle", "objects", "places", "trades")


class Circumstances(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    words: Words
    """Parts of a day, and shops."""

    parts_of_day: Mapping[str, tuple[str, ...]]
    shop_of: Mapping[str, str]
    trades: re.Pattern[str]
    sudden: re.Pattern[str]
    """What happens at one moment, and may happen again on another day."""
    lasting: re.Pattern[str]
    employed: re.Pattern[str]
    called: re.Pattern[str]
    whose: re.Pattern[str]
    relative_of: Mapping[str, str]
    city: re.Pattern[str]
    """A province or city that somebody is in, or goes to; 沈阳路 is none."""
    no_names: frozenset[str]


def circumstances_in(table: Mapping[str, Any], relatives: Mapping[str, str]) -> Circumstances:
    """Return the lists of a folder's `matters.toml`."""
    parts: dict[str, tuple[str, ...]] = {}
    for line in table["parts_of_day"].strip().splitlines():
        for word in line.split():
            parts[word] = (*parts.get(word, ()), line.split()[0])
    shop_of = {word: line.split()[0] for line in table["shops"].strip().splitlines() for word in line.split()}
    trades, named_by = trie(table["trades"].split()), trie(table["named_by"].split())
    return Circumstances(
        words=Words((*parts, *shop_of)),
        parts_of_day=parts,
        shop_of=shop_of,
        trades=precompiled.pattern(f"{trades}$"),
        sudden=precompiled.pattern(
            trie(table.get("sudden", "").split())
        ),  # a city's own file may be older than this list
        lasting=precompiled.pattern(trie(table["lasting"].split())),
        employed=precompiled.pattern(rf"我们?[是在]({_NAME}){_HAN}{{0,8}}?的?{trie(table['employed'].split())}"),
        called=precompiled.pattern(rf"{named_by}(?:[是名]?叫|[是为:])({_NAME}){_HAN}{{0,8}}(?<!的)(?=[,。;.!?)]|$)"),
        whose=precompiled.pattern(rf"(?:^|[,。;!?:])({trie(relatives)})(?=[在被因得今住患上办要想没摔受出去骑])"),
        relative_of=relatives,
        city=precompiled.pattern(
            rf"[在去到往至回飞从赴]({_cities()})(?![东西南北中]?{trie(table['behind_city'].split())})"
        ),
        no_names=frozenset(" ".join(table[name] for name in _NO_NAMES).split()),
    )


def circumstances(head: str, day: date | None, lists: Circumstances) -> Iterator[Mark]:
    """Yield when, where, to whom and how much."""
    yield from amounts(head)
    yield from (("whose", lists.relative_of[relative]) for relative in lists.whose.findall(head))
    yield from (("city", name) for name in lists.city.findall(head))
    for found in (*lists.called.findall(head), *lists.employed.findall(head)):
        if found not in lists.no_names:
            yield "called by", found
    for start, end in lists.words.spans(head):
        word = head[start:end]
        if word in lists.shop_of:
            yield from _shop(head, start, lists.shop_of[word], lists)
        elif _is_of_one_day(head, start, end):
            yield from (("part of day", part) for part in lists.parts_of_day[word])
    if day is not None:
        yield from _days(head, day)


def _shop(head: str, start: int, kind: str, lists: Circumstances) -> Iterator[Mark]:
    """Yield the last two characters of a shop's name, and of one of four the first two: 唱响时代, 麦霸时代."""
    before = lists.trades.sub("", head[max(0, start - _LONGEST) : start])
    name = _BEFORE_SHOP.search(before)
    if name is None or name[0][-2:] in lists.no_names:
        return
    yield f"{kind} called", name[0][-2:]
    if len(name[0]) == _FOUR and name[0][:2] not in lists.no_names:
        yield f"{kind} of four", name[0][:2]


def _is_of_one_day(head: str, start: int, end: int) -> bool:
    """Say whether a part of a day belongs to a day that is told, or has its hour; each night (夜里施工) is none."""
    before = _BEFORE_PART.search(head[max(0, start - 2) : start])
    if before is not None and before[1] is not None:
        return False
    of_a_day = before is not None or head[start:end].startswith(_OF_A_DAY)
    return (_HOUR if not of_a_day else _NOT_SINCE).match(head, end) is not None


def _days(head: str, today: date) -> Iterator[Mark]:
    for word in _DAY.findall(head):
        told = today - timedelta(days=_DAYS[word])
        yield "day", f"{told.month}-{told.day}"
    yield from (("day", f"{told.month}-{told.day}") for told in _days_of_month(head, today))
    for year, which in _YEAR.findall(head):
        yield "year", year or str(today.year + _YEARS[which])


def _days_of_month(head: str, today: date) -> Iterator[date]:
    """Yield the days that are told by their number alone (2号下午): of this month, or of the last one."""
    for number in map(int, _DAY_OF_MONTH.findall(head)):
        first = today.replace(day=1)
        month = first if number <= today.day else (first - timedelta(days=1)).replace(day=1)
        yield month + timedelta(days=number - 1)


def moments(head: str, today: date, told: Collection[str], lists: Circumstances) -> Iterator[Mark]:
    """Yield about which days something happened all at once, by the calendar; what lasts (到现在还没来电) has none.

    What began at night goes on in the morning, so the next day is meant as well. Days that were `told` are such days,
    too, so that 10月3号 and 昨天晚上 can be told apart.
    """
    if lists.sudden.search(head) is None or lists.lasting.search(head) is not None:
        return
    if told:
        yield from (mark for which in told for mark in _about_told(which))
        return
    for ago, last, weekday in _MOMENT.findall(head):
        days = _DAYS[ago] if ago else _days_since(weekday.replace("天", "日"), today, is_last=bool(last))
        yield from _about(today - timedelta(days=days))
    for day in _days_of_month(head, today):
        yield from _about(day)


def _about(day: date) -> Iterator[Mark]:
    yield from (("about", f"{one.month}-{one.day}") for one in (day, day + timedelta(days=1)))


def _about_told(day: str) -> Iterator[Mark]:
    """Yield the marks of a day such as 10-3; there is no 2-30."""
    month, number = map(int, day.split("-"))
    try:
        yield from _about(date(LEAP_YEAR, month, number))
    except ValueError:
        return


def _days_since(weekday: str, today: date, *, is_last: bool) -> int:
    """Return how long ago the weekday was, of last week or the last there was."""
    days = today.weekday() - _WEEKDAYS.index(weekday)
    return days + len(_WEEKDAYS) if is_last or days < 0 else days


@cache
def _cities() -> str:
    """Return the pattern of the short names of all provinces and cities."""
    found = (one for name in divisions.names() for one in divisions.named(name) if one.level != divisions.DISTRICT)
    return trie(divisions.short(one.name) for one in found)
