"""A name whose characters are written apart: 张 三, 张·三."""

import re
from collections.abc import Iterator
from functools import lru_cache

from normalizers.text.fold import Span

NAME = re.compile("[\u4e00-\u9fff]{2,8}")
_BETWEEN = r"[\s·•・‧∙.-]{0,3}"


def spans_apart(text: str, name: str) -> Iterator[Span]:
    """Yield where a name stands in a folded text, whatever blanks and dots are in it."""
    if name[0] in text and name[-1] in text:
        yield from [match.span() for match in _pattern(name).finditer(text)]


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_BETWEEN.join(name))
