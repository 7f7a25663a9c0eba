"""Words for the same thing (公交, 公共汽车, 巴士): a file with a line for each thing, read when a search is asked.

The city's `synonyms.txt`, in the folder of its rules, adds to the file that comes with the program.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from normalizers.text.fold import fold
from normalizers.text.matcher import trie
from schemas.errors import MisconfiguredError

FILE = "synonyms.txt"
SHIPPED = Path(__file__).with_name(FILE)
_MOST = 24
"""Ways to write a word that are looked for."""


class Table:
    """Which words stand for which; a word may be in several lines."""

    def __init__(self, lines: Iterable[Iterable[str]] = ()) -> None:
        also: dict[str, dict[str, None]] = {}
        for line in lines:
            words = [fold(word) for word in line]
            for word in words:
                also.setdefault(word, {}).update((other, None) for other in words if other != word)
        self._also: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {word: tuple(found) for word, found in also.items()}
        )
        self._find = re.compile(trie(self._also))

    def within(self, text: str) -> Mapping[str, tuple[str, ...]]:
        """Return the words of the table in a text and what stands for each; of overlapping ones the longest first."""
        return {found[0]: self._also[found[0]] for found in self._find.finditer(text)}

    def spans(self, text: str) -> list[tuple[int, int, tuple[str, ...]]]:
        """Return where words of the table stand in a text, with what stands for each."""
        return [(*found.span(), self._also[found[0]]) for found in self._find.finditer(text)]

    def variants(self, text: str, as_written: frozenset[str] = frozenset()) -> list[str]:
        """Return other ways to write a text, its words replaced; not those in `as_written`."""
        ways = [""]
        done = 0
        for start, end, also in self.spans(text):
            chosen = (text[start:end],) if text[start:end] in as_written else (text[start:end], *also)
            ways = [f"{way}{text[done:start]}{one}" for one in chosen for way in ways][:_MOST]
            done = end
        return [way + text[done:] for way in ways][1:]


def load(folder: Path | None = None) -> Table:
    """Return the words that come with the program and those of a city's folder of rules.

    Raises MisconfiguredError for a file that cannot be read.
    """
    own = folder / FILE if folder is not None else None
    return _load(own if own is not None and own.exists() else None)


@lru_cache(maxsize=2)
def _load(own: Path | None) -> Table:
    return Table([line for path in (SHIPPED, own) if path is not None for line in _lines(path)])


def _lines(path: Path) -> list[list[str]]:
    try:
        written = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MisconfiguredError(f"{path} cannot be read ({type(error).__name__}): write it in UTF-8.") from error
    lines = [line.partition("#")[0].split() for line in written]
    for number, line in enumerate(lines, 1):
        if len(line) == 1 or any(len(word) < 2 for word in line):
            raise MisconfiguredError(
                f"Line {number} of {path}: write two words or more for the same thing, each of two characters or more."
            )
    return [line for line in lines if line]
