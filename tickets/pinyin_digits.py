"""Numbers whose digits are written as they are said, in pinyin: yao san ba 0013 ba ling ling ling."""

import re
from collections.abc import Iterator

from normalizers.text import Span

_SAID = "(?:yi|yao|er|liang|san|si|wu|liu|qi|ba|jiu|ling|dong)"
_ONE = f"(?:{_SAID}|[0-9])"
_NUMBER = re.compile(rf"(?<![a-z0-9]){_ONE}(?:[\s-]{{0,2}}{_ONE}){{6,19}}(?![a-z0-9])")
_SYLLABLE = re.compile(_SAID)
_LEAST = 2
"""Syllables: by a single one, a number in digits only stands beside a word."""


def pinyin_digits(text: str) -> Iterator[Span]:
    """Yield the numbers of seven digits and more of which some are in pinyin, in a folded text."""
    if "i" in text or "a" in text:  # in nearly all of their syllables
        for number in _NUMBER.finditer(text):
            if len(_SYLLABLE.findall(number[0])) >= _LEAST:
                yield number.span()
