"""Writes the few Markdown forms that the generated pages need."""

import re
from collections.abc import Iterable, Sequence

_CODE_OR_ANGLE = re.compile(r"`[^`]*`|<")


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"


def prose(text: str) -> str:
    """Return a description as one line in which nothing but its own `code` is markup."""
    return _CODE_OR_ANGLE.sub(lambda found: "&lt;" if found[0] == "<" else found[0], " ".join(text.split()))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar inside a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def page(title: str, intro: str, *blocks: str) -> str:
    """Return a whole page; its first line says that it is generated."""
    return "\n\n".join([MARK, f"# {title}", intro, *blocks]) + "\n"


MARK = "<!-- Made by `hotline schema export` from the code: change the code, not this page. -->"
"""The first line of every generated page."""
