"""A person's words without the platform's additions: zero-width ends, `…全文` and links to the rest."""

import re
from html import unescape
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser

_ENDING = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff]*[\u200b\ufeff][\s\u200b\u200c\u200d\u2060\ufeff]*\Z")
"""A status ends with a blank and U+200B; blanks without one are the citizen's own."""

_FULL_TEXT = re.compile(r"[\s\u200b]*(?:\.{3}|…+)[\s\u200b]*(?:展开)?全文c?[\s\u200b]*[:：]?\s*(https?://\S+)?\s*\Z")
_REPLY = re.compile(r"回复@[^:：\s]{1,64}[:：]\s*")
_CLIENT = re.compile(r"<[^<>]*>")
_BREAKS = re.compile(r"<br\s*/?>", re.IGNORECASE)


class Written(NamedTuple):
    """A text, and the address of the rest if it was cut (`""` if none was given, None if it is whole)."""

    text: str
    rest: str | None


def written(text: str, is_long: bool) -> Written:
    """Return the citizen's words of a status; emoticons such as [心] are words and stay."""
    if text[-1:] in "\u200b\ufeff" or "\u200b" in text[-8:]:
        text = _ENDING.sub("", text)
    cut = _FULL_TEXT.search(text) if "全文" in text[-200:] else None
    if cut is None:
        return Written(text, "" if is_long else None)
    return Written(text[: cut.start()], cut[1] or "")


def without_reply(text: str) -> str:
    """Return a comment without the `回复@somebody:` before it."""
    return _REPLY.sub("", text, count=1) if text.startswith("回复@") else text


def client(source: str) -> str:
    """Return the name of the program in a `source`, which is a link in HTML."""
    return unescape(_CLIENT.sub("", source)).strip()


def plain(html: str) -> str:
    """Return the text of a public page's HTML, line breaks kept and each emoticon's picture as its word."""
    if "<" not in html:
        return unescape(html)
    page = LexborHTMLParser(f"<body>{_BREAKS.sub(chr(10), html)}</body>")
    for picture in page.css("img"):
        picture.replace_with(picture.attributes.get("alt") or "")
    return page.body.text() if page.body is not None else ""
