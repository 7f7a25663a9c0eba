"""Chinese for what a person reads: a sentence is written in English and looked up where it is shown.

The catalogue (`chinese/*.tsv`) has one line for each sentence: English, a tab, Chinese. An f-string is looked up by its
template, ``{0}`` for its first value; a value
that is a sentence is looked up as well, a single word (a name, a code, a number) is not::

    "The archive has no ticket 210100-…: see `hotline search`."
      └ matches  The archive has no ticket {0}: see `hotline search`.
      └ becomes  归档中没有工单 210100-…，请用 `hotline search` 查找。

So records, logs and exceptions stay English, whoever reads them, and a text that another process wrote (the reason of a
dead letter) is translated as well. docs/adr/0056-chinese-where-it-is-shown.md says why this is not gettext.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

LANGUAGES = ("zh", "en")
VARIABLES = ("HOTLINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as in POSIX."""

_FOLDER = Path(__file__).parent / "chinese"
_COUNTED = re.compile(r"([\d,]+) ([a-z][a-z -]*)")
"""A number and what is counted: ``# tickets`` stands for `3 tickets`."""

_PLACE = re.compile(r"\{(\d+)\}")

_chosen: list[str] = []
"""What `--lang` said."""


def choose(language: str | None) -> None:
    """Set the language of this process; None leaves it to the environment."""
    _chosen[:] = [language] if language else []


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Write in a language, whatever the reader's is: generated pages have one of their own."""
    before = [*_chosen]
    choose(language)
    try:
        yield
    finally:
        _chosen[:] = before


def is_chinese() -> bool:
    """Return whether a person reads Chinese here: `--lang` decides, else the first variable that is set."""
    said = next(filter(None, [*_chosen, *map(os.environ.get, VARIABLES)]), "")
    return said.startswith("zh")


def t(text: str) -> str:
    """Return a text in the language of the reader; a line that the catalogue does not have stays as it is."""
    if not is_chinese():
        return text
    return "\n".join(map(chinese, text.split("\n"))) if "\n" in text and text not in _exact() else chinese(text)


class _Template(NamedTuple):
    rarest: str
    """The longest of the pieces between the values: what does not have it cannot match."""
    pattern: str
    chinese: str


def chinese(text: str) -> str:
    """Return the Chinese of one sentence, or the sentence itself."""
    known = _exact().get(text)
    if known is not None:
        return known
    if (counted := _COUNTED.fullmatch(text)) and (unit := _exact().get(f"# {counted[2]}")):
        return unit.replace("#", counted[1])
    for template in _templates():
        if template.rarest in text and (found := re.fullmatch(template.pattern, text, re.DOTALL)):
            if any("; " in value for value in found.groups()):  # several reports in one line
                break
            return _filled(template.chinese, [chinese(value) if " " in value else value for value in found.groups()])
    return "；".join(map(chinese, text.split("; "))) if "; " in text else text


def _filled(template: str, values: list[str]) -> str:
    return _PLACE.sub(lambda place: values[int(place[1])], template)


def entries() -> Iterator[tuple[str, str]]:
    """Yield the English and the Chinese of every line of the catalogue."""
    for file in sorted(_FOLDER.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "\t" in line:  # a line without a tab is a comment
                english, _, said = line.partition("\t")
                yield english.replace("\\n", "\n"), said.replace("\\n", "\n")


@cache
def _exact() -> dict[str, str]:
    return dict(entries())


@cache
def _templates() -> list[_Template]:
    """Return the templates, those with the most words of their own first: they say more than another that matches."""
    found = []
    for english, said in _exact().items():
        pieces = _PLACE.split(english)[::2]
        if len(pieces) > 1:
            found.append(_Template(max(pieces, key=len), "(.*?)".join(map(re.escape, pieces)), said))
    return sorted(found, key=lambda one: len(one.pattern), reverse=True)
