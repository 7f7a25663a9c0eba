"""The same name, number, mail address or door in another form: 张 三, 138-1234-5678, name(at)163.com, 3-2-501."""

import re
from collections.abc import Iterable, Iterator, Sequence

from normalizers.pii.detect import MAIL_SIGN, address_spans, in_order, personal_spans, readable
from normalizers.pii.numbers import READ
from normalizers.pii.spaced_names import NAME, spans_apart
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import Span
from normalizers.text.numerals import value_of

SHORT = 4
"""A number or a hotline is known by its very signs alone."""

_SIGN = re.compile(rf"{MAIL_SIGN}|\bat\b|\bdot\b|点|#")
_NUMERAL = "〇零一二三四五六七八九十百千两幺"
_OF_A_DOOR = re.compile(f"[0-9]+|[a-z]|[{_NUMERAL}]+|[甲乙丙丁东西南北]")
_WITH_TENS = re.compile("[十百千]")


def in_other_forms(text: str, secrets: Iterable[str], rules: Rules = DEFAULT_RULES) -> list[Span]:
    """Return where one of the secrets stands in another form: with other signs, in other digits, with words between.

    A door is known by its numbers in their order; one that leaves some of them out may be the same.
    """
    secrets = [readable(secret)[0] for secret in secrets]
    found = [*_apart(text, secrets)]
    numbers = {one for secret in secrets for one in (bare(secret),) if len(one) > SHORT}
    doors = [door(secret[start:end]) for secret in secrets for start, end in address_spans(secret, rules)]
    if numbers:
        spans = personal_spans(text, rules=rules)
        found += [span for span in spans if any(one in bare(text[slice(*span)]) for one in numbers)]
    if doors:
        spans = address_spans(text, rules)
        found += [span for span in spans if any(_may_be(door(text[slice(*span)]), one) for one in doors)]
    return in_order(found)


def _apart(text: str, secrets: Iterable[str]) -> Iterator[Span]:
    """Yield where a name stands, whatever blanks and dots are in it."""
    names = {one for secret in secrets for one in (letters(secret),) if NAME.fullmatch(one)}
    if not names:
        return
    plain, places = readable(text)
    for name in names:
        for start, end in spans_apart(plain, name):
            yield (start, end) if places is None else (places[start], places[end - 1] + 1)


def letters(words: str) -> str:
    """Return the letters and digits alone."""
    return "".join(filter(str.isalnum, words))


def bare(words: str) -> str:
    """Return the letters and digits of what names or reaches somebody, however its signs and digits are written."""
    return bare_with_places(readable(words)[0])[0]


def bare_with_places(plain: str) -> tuple[str, list[int]]:
    """Return the letters and digits of a `readable` text, however its signs are written, and where they stand."""
    signs = {at for sign in _SIGN.finditer(plain) for at in range(*sign.span())}
    there = [at for at, one in enumerate(plain) if one.isalnum() and at not in signs]
    return "".join(plain[at] for at in there).translate(READ), there


def door(words: str) -> list[str]:
    """Return the numbers and letters of a door in their order: three of 三栋二单元五零一."""
    return [_read(one) for one in _OF_A_DOOR.findall(readable(words)[0])]


def _read(one: str) -> str:
    return str(value_of(one)) if _WITH_TENS.search(one) else one.translate(READ)


def _may_be(one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether two doors end with the same room and one of them only tells more of the way to it."""
    shorter, longer = sorted((one, other), key=len)
    if not shorter or shorter[-1] != longer[-1]:
        return False
    way = iter(longer)
    return all(number in way for number in shorter)
