"""What the links in a text say of a person: the values of their queries."""

import re
from collections.abc import Iterator

from normalizers.text.fold import Span

_VALUE = re.compile(r"[?&]([a-z0-9_.-]{1,40})=([^\s&#,。;<>\"'()]+)")
_PERSONAL = re.compile(
    r"name|phone|mobile|tel|mail|card|addr|open_?id|union_?id|user|member|patient|wx|wechat|plate|token|ticket|sess|auth"
    r"|xing_?ming|shou_?ji|dian_?hua|di_?zhi|nick|account|passw|pwd|sign|invite|share|^(?:uid|xm|sjh|sfzh?|cph|lat|lng|lon|location|position|coords?|code|id_?no|uin|qq|u|dz|sfz)$"
)
_PROFILE = re.compile(r"weibo\.c(?:om|n)/(?:u/|profile/)?([0-9]{8,12}|n/[^\s/?,。]{2,30})")
"""Whose page it is."""

_PAGE = re.compile(r"[a-z0-9.]/(?:u|users?|profile|people|members?|space)/(?!login|index|register)([\w.-]{4,60})")

_HANDLE = re.compile(
    r"(?<![a-z0-9.-])(?:www\.)?(?:t\.me|wa\.me|(?:instagram|facebook|twitter|x|tiktok)\.com)/@?\+?([\w.-]{4,40})"
)

_ENCODED = re.compile("%[0-9a-f]{2}")
"""Whatever stands there is read by any browser, and by no rule of ours."""


def queries(text: str) -> Iterator[Span]:
    """Yield the values in a folded text's links that name or reach a person, or that are written in bytes."""
    for query in _VALUE.finditer(text) if "=" in text else ():
        if _PERSONAL.search(query[1]) or _ENCODED.search(query[2]):
            yield query.span(2)
    if "://" in text:
        yield from [match.span(1) for match in _PAGE.finditer(text)]
    if ".me/" in text or ".com/" in text:
        yield from [match.span(1) for match in _HANDLE.finditer(text)]
    if "weibo.c" in text:
        yield from [match.span(1) for match in _PROFILE.finditer(text)]
