"""Papers: the number of an order, an account, a meter, a case, a badge, a plate; each names one thing of a city."""

import re
from collections.abc import Iterable, Iterator

Mark = tuple[str, str]

_SURE = "订单|运单|快递单|报修单|[水电气]表"
_PAPER = re.compile(
    rf"(?<!工)(?:({_SURE}|合同|保单|单|户|卡|账|表)(?:编号|号码?)|({_SURE}))[:是为 ]{{0,2}}([a-z]{{0,4}}\d{{5,24}})"
)
"""Not of a ticket (工单)."""

_LONG = re.compile(r"\d{5}")

_BY_NUMBER = frozenset(
    "订单 运单 快递单 报修单 水表 电表 气表 合同 保单 单 户 卡 账 表 表号 学号 考证号 plate".split()  # noqa: SIM905 - read as words
)
_BY_KIND_AND_NUMBER = frozenset("警号 尾号 工号 民 刑 行 执 财 破 商 赔 仲 调".split())  # noqa: SIM905 - read as words
"""Where other things may well have that number: the badge of an officer, a case of a court."""

_LEAST = 3
"""Characters of a number that names anything."""


def papers_in(said: str) -> Iterator[Mark]:
    """Yield the marks of papers, their kind and number."""
    if ("号" in said or "单" in said or "表" in said) and _LONG.search(said) is not None:
        yield from ((kind or bare, number) for kind, bare, number in _PAPER.findall(said))


def papers_of(marks: Iterable[Mark]) -> Iterator[str]:
    """Yield what names one thing by itself, of all marks of a message."""
    for kind, which in marks:
        if kind in _BY_NUMBER and len(which) >= _LEAST:
            yield which
        elif kind in _BY_KIND_AND_NUMBER and len(which) >= _LEAST:
            yield f"{kind}{which}"
