"""Where a message tells something: in its title or in its text as written, found again by where it stands folded."""

import re
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from normalizers.text.fold import Span, aligned
from schemas.records import Finding

_RUN = re.compile(r"\S+")


class At(NamedTuple):
    """A place in the text, or in the title; in neither where nothing can be pointed to."""

    text: Span | None = None
    title: Span | None = None

    @property
    def title_span(self) -> Span | UnsetType:
        """The place in the title as records have it."""
        return UNSET if self.title is None else self.title

    def or_in_text(self, other: "At") -> "At":
        """Return the first place, but a later one in the text before one in the title."""
        return other if self.text is None and other.text is not None else self


NOWHERE = At()


class Folded(NamedTuple):
    """A place in a folded title or text."""

    in_title: bool
    start: int
    end: int

    def as_written(self, title: str | None, text: str, folded_title: str, folded_text: str) -> At:
        """Return the place in the title or text that was folded; nowhere if folding made another text of it."""
        if self.in_title:
            return At(title=written(title or "", folded_title, self.start, self.end))
        return At(text=written(text, folded_text, self.start, self.end))


def placed(finding: Finding, at: At) -> Finding:
    """Return a finding with its place."""
    return replace(finding, span=at.text, title_span=at.title_span)


def written(text: str, folded: str, start: int, end: int) -> Span | None:
    """Return where in `text` stands what is at `start` to `end` of `folded`: of `fold(text)`, or a blank and that.

    Folding joins blanks and leaves out those at the ends: both are counted without any. Where it made several
    characters of one before that place (……), it is the first place that says so. None where it did within it.
    """
    said = "".join(folded[start:end].split())
    if not said:
        return None
    plain, offsets = aligned(text)
    before = len("".join(folded[:start].split()))
    first, last = _after(plain, before), _after(plain, before + len(said) - 1)
    if first is not None and last is not None and "".join(plain[first : last + 1].split()) == said:
        return offsets[first], offsets[last] + 1
    found = re.search(r"\s*".join(map(re.escape, said)), plain)
    return (offsets[found.start()], offsets[found.end() - 1] + 1) if found is not None else None


def _after(plain: str, count: int) -> int | None:
    """Return where the character stands that has so many before it, blanks not counted."""
    for run in _RUN.finditer(plain):
        if count < run.end() - run.start():
            return run.start() + count
        count -= run.end() - run.start()
    return None
