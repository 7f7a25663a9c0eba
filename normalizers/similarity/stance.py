"""Stances: what a message wants done, where another may want the opposite (要求加装电梯, 反对加装电梯).

Who is against taking something away is for it. A wish alone (希望, 建议) takes a side only by what it wants done.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.matcher import trie

Mark = tuple[str, str]

_REACH = 14
"""Characters behind the stance in which what is wanted is named."""

_NOT = ("不要", "不得", "不能", "不应", "不再", "别", "勿", "不")

_HAN = precompiled.pattern("[\u4e00-\u9fff]")
_END = precompiled.pattern(r"[,。!?;:\s]")


class Stances(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    attitude: re.Pattern[str]
    own: frozenset[str]
    own_or_residents: frozenset[str]
    """What stands right before who is for or against it: the writer or those they speak for."""

    demand: re.Pattern[str]
    sides: Mapping[str, tuple[tuple[str, bool], ...]]
    """Of each demand its kinds, and whether it is the one side of it or the other."""


def stances_in(table: Mapping[str, Any]) -> Stances:
    """Return the lists of a folder's `matters.toml`."""
    against, favour, wishes = (trie(table[name].split()) for name in ("against", "in_favour", "wishes"))
    sides: dict[str, tuple[tuple[str, bool], ...]] = {}
    for line in table["demands"].strip().splitlines():
        for is_for, words in zip((True, False), line.split("|"), strict=False):
            for word in words.split():
                sides[word] = (*sides.get(word, ()), (line.split()[0], is_for))
    return Stances(
        own=frozenset(table["writers"]),
        own_or_residents=frozenset(table["writers"] + table["residents"]),
        attitude=precompiled.pattern(f"({against})|({favour})|({wishes})"),
        demand=precompiled.pattern(f"{trie(sides)}(?!议)"),
        sides=sides,
    )


def stances(head: str, lists: Stances) -> Iterator[Mark]:
    """Yield on which side of what a message is."""
    for found in lists.attitude.finditer(head):
        if not _is_own(head, found, lists):
            continue
        behind = _END.split(head[found.end() : found.end() + _REACH], maxsplit=1)[0]
        demand = lists.demand.search(behind)
        is_denied = demand is not None and behind[: demand.start()].endswith(_NOT)
        is_for, is_wish = (found[1] is None) is not is_denied, found[3] is not None
        sides = lists.sides[demand[0]] if demand is not None else ()
        yield from ((f"stance {kind}", str(side is is_for)) for kind, side in sides)
        if not is_wish:
            yield "stance", str(is_for if not sides else sides[0][1] is is_for)


def _is_own(head: str, found: re.Match[str], lists: Stances) -> bool:
    before = head[found.start() - 1 : found.start()]
    if found[3] is not None or not _HAN.fullmatch(before):
        return True
    return before in (lists.own_or_residents if found[1] is not None else lists.own)
