"""Greetings: what stands before the matter in a message without a title, and is none of it (您好, 转发, 来电人反映).

The same text is passed on under another greeting; so its head begins behind it. What a first line is, and how a letter
begins behind its greeting, is told here as well.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from normalizers.findings.words import trie

_PAUSE = r"[,，.。!?~:;、\s]"
_MOST = 3
"""So many of them stand one behind the other: 【转发】尊敬的领导:您好!"""


LETTER_CHARACTERS, OPENING_LETTERS = 60, 12
"""Shorter texts have no opening, and so many letters are one."""

_NO_LETTERS = re.compile(r"[\W_]+")


class Greetings(NamedTuple):
    """The lists of `matters.toml`, ready to be asked."""

    greeting: re.Pattern[str]
    """All that a folded text greets with."""
    heading: re.Pattern[str]
    """A first line that nobody is greeted in: what an SMS or a chat has in place of a title."""
    says_who: re.Pattern[str]
    """Whoever writes says so in a letter's opening, where it does not tell of the matter itself."""


def greetings_in(table: Mapping[str, Any]) -> Greetings:
    """Return the lists of a folder's `matters.toml`."""
    greeted = rf"{trie(table['no_heading'].split())}|.{{0,10}}[您你]好"
    return Greetings(
        greeting=_greeting(table),
        heading=re.compile(rf"\s*((?!{greeted})[^\n]{{4,60}}?(?<![\s,，。:：;；!！?？、…]))[ \t\r]*\n\s*\S"),
        says_who=re.compile(trie(table["says_who"].split())),
    )


def behind_greeting(text: str, lists: Greetings) -> str:
    """Return a folded text without what it greets with."""
    greeting = lists.greeting.match(text)
    return text[greeting.end() :] if greeting is not None else text


def opening(text: str, most: int, lists: Greetings) -> tuple[str, str]:
    """Return with which letters a letter's text begins, where they say who writes, and what comes behind, of `most`."""
    text = behind_greeting(text, lists)[:most]
    letters = _NO_LETTERS.sub("", text[: 2 * OPENING_LETTERS])[:OPENING_LETTERS]
    is_one = len(text) >= LETTER_CHARACTERS and lists.says_who.search(letters) is not None
    return (letters, text[2 * OPENING_LETTERS :]) if is_one else ("", "")


def _greeting(table: Mapping[str, Any]) -> re.Pattern[str]:
    names = ("greeted", "hello", "passed_on", "on_behalf")
    whom, hello, passed_on, for_whom = (trie(table[name].split()) for name in names)
    greeted = rf"(?:(?:(?:尊敬|敬爱|亲爱)的?|各位)[^,。!?;:]{{0,4}}?)?{whom}们?{_PAUSE}*(?:{hello}|(?={_PAUSE}))"
    told = rf"(?:{for_whom}){{0,3}}(?:{passed_on}[^,。!?;:]{{0,4}}|转)[:】\]]"
    return re.compile(rf"(?:[【\[(]?(?:{told}|{greeted}|{hello}(?={_PAUSE})){_PAUSE}*){{0,{_MOST}}}")
