"""Greetings: what stands before the matter in a message without a title, and is none of it (您好, 转发, 来电人反映).

The same text is passed on under another greeting; so its head begins behind it.
"""

import re
from collections.abc import Mapping
from typing import Any

from normalizers.findings.words import trie

_PAUSE = r"[,，.。!?~:;、\s]"
_MOST = 3
"""So many of them stand one behind the other: 【转发】尊敬的领导:您好!"""


def greetings_in(table: Mapping[str, Any]) -> re.Pattern[str]:
    """Return what matches the greetings a folded text begins with, by the lists of a folder's `matters.toml`."""
    names = ("greeted", "hello", "passed_on", "on_behalf")
    whom, hello, passed_on, for_whom = (trie(table[name].split()) for name in names)
    greeted = rf"(?:(?:(?:尊敬|敬爱|亲爱)的?|各位)[^,。!?;:]{{0,4}}?)?{whom}们?{_PAUSE}*(?:{hello}|(?={_PAUSE}))"
    told = rf"(?:{for_whom}){{0,3}}(?:{passed_on}[^,。!?;:]{{0,4}}|转)[:】\]]"
    return re.compile(rf"(?:[【\[(]?(?:{told}|{greeted}|{hello}(?={_PAUSE})){_PAUSE}*){{0,{_MOST}}}")
