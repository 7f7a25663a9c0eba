"""Papers: the number of an order, an account, a meter, a case, a badge, a plate; each names one thing of a city."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.matcher import trie

Mark = tuple[str, str]

_LONG = precompiled.pattern(r"\d{5}")

_PLATE = "plate"
_LEAST = 3
"""Characters of a number that names anything."""


class Papers(NamedTuple):
    """The lists in `[papers]` of `matters.toml`, ready to be asked."""

    paper: re.Pattern[str]
    labelled: re.Pattern[str]
    counter: re.Pattern[str]
    case: re.Pattern[str]
    by_number: frozenset[str]
    by_kind_and_number: frozenset[str]
    """Where other things may well have that number: the badge of an officer, a case of a court."""


def papers_of_rules(table: Mapping[str, Any]) -> Papers:
    """Return the lists of a folder's `matters.toml`."""
    lists = {name: frozenset(words.split()) for name, words in table["papers"].items()}
    surely, label, case, stage = (trie(lists[name]) for name in ("surely", "labels", "cases", "stages"))
    named = trie(lists["surely"] | lists["by_a_label"])
    return Papers(
        paper=precompiled.pattern(
            rf"(?<!工)(?:({named})(?:编号|号码?)|({surely}))[:是为 ]{{0,2}}([a-z]{{0,4}}\d{{5,24}})"  # 工单 is a ticket
        ),
        labelled=precompiled.pattern(rf"({label})号(?:码|牌)?[是为: ]{{0,2}}(\d{{2,12}})(?!\d)"),
        counter=precompiled.pattern(rf"({trie(lists['counters'])})(\d{{1,3}})号"),
        case=precompiled.pattern(rf"({case}){stage}?字?第?(\d{{1,8}})号|第(\d{{1,12}})号(?![楼线院门口窗馆])"),
        by_number=lists["by_number"] | {_PLATE},
        by_kind_and_number=lists["by_kind_and_number"],
    )


def papers_in(said: str, lists: Papers) -> Iterator[Mark]:
    """Yield the marks of papers, their kind and number."""
    if _LONG.search(said) is not None:
        yield from ((kind or bare, number) for kind, bare, number in lists.paper.findall(said))


def labelled_in(head: str, lists: Papers) -> Iterator[Mark]:
    """Yield the marks of whatever has 号 before its number, or behind it."""
    if "号" in head:
        yield from ((f"{label}号", number) for label, number in lists.labelled.findall(head))
        yield from lists.counter.findall(head)
        yield from ((kind or "第", number or other) for kind, number, other in lists.case.findall(head))


def papers_of(marks: Iterable[Mark], lists: Papers) -> Iterator[str]:
    """Yield what names one thing by itself, of all marks of a message."""
    for kind, which in marks:
        if kind in lists.by_number and len(which) >= _LEAST:
            yield which
        elif kind in lists.by_kind_and_number and len(which) >= _LEAST:
            yield f"{kind}{which}"
