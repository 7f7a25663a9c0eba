"""Typed coordinates (坐标) in a folded text: they name a door as surely as its number does."""

from collections.abc import Iterator

from normalizers.rules import precompiled
from normalizers.text.fold import Span

_LATITUDE = r"(?:[3-9]|[1-4][0-9]|5[0-5])\.[0-9]{3,12}"
_LONGITUDE = r"(?:7[3-9]|[89][0-9]|1[0-2][0-9]|13[0-6])\.[0-9]{3,12}"
"""Of China, to a hundred metres or closer."""

_BETWEEN = (
    r"(?:°|度)?[nesw]?(?:[\s,、;/|&)(]|%2c){0,3}"
    r"(?:[东西南北]?[经纬]度?|lat(?:itude)?|lng|lon(?:gitude)?|[nesw])?[\s:=是为]{0,3}"
)
_PAIR = precompiled.pattern(
    rf"(?<![0-9.])(?:{_LATITUDE}{_BETWEEN}(?<![0-9]){_LONGITUDE}|{_LONGITUDE}{_BETWEEN}(?<![0-9]){_LATITUDE})(?![0-9])"
)
_CLOSE = precompiled.pattern(r"\.[0-9]{3}")
_LABELLED = precompiled.pattern(
    r"(?:[经纬]度?|lat(?:itude)?|lng|lon(?:gitude)?)[\s:=\"是为]{0,4}([0-9]{1,3}\.[0-9]{3,12})"
)
_MINUTES = precompiled.pattern(
    r"[0-9]{1,3}(?:°\s?[0-9]{1,2}(?:\.[0-9]+)?\s?['′’分]|(?<=[经纬][0-9]{2})度[0-9]{1,2}(?:\.[0-9]+)?分"
    r"|(?<=[经纬][0-9]{3})度[0-9]{1,2}(?:\.[0-9]+)?分)"
    r"(?:\s?[0-9]{1,2}(?:\.[0-9]+)?\s?(?:[\"″”秒]|['′’]{2}))?"
)


def coordinates(text: str) -> Iterator[Span]:
    """Yield the coordinates in a folded text: pairs of degrees, those behind a label, degrees with their minutes."""
    if _CLOSE.search(text):
        yield from [match.span() for match in _PAIR.finditer(text)]
        yield from [match.span(1) for match in _LABELLED.finditer(text)]
    if "°" in text or "经" in text or "纬" in text:
        yield from [match.span() for match in _MINUTES.finditer(text)]
