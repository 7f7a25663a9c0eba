"""Contexts in which a word of danger raises no alarm: a rescue that was completed, smoke of ordinary sources.

Both are read in the order in which a message narrates: thanks, danger, completion. A danger that follows the completion
is a new one and alarms; so does a completion that is wished for, denied, or true of a part only. The expressions are
`[resolution]` and `[fumes]` of `rules/emergency.toml`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.fold import Span

_THANKS_REACH = 160
"""Characters on either side of a danger in which thanks for its end may stand."""

_UNRESOLVED_REACH = 120
"""Characters behind the completion in which a danger that remains is looked for."""

_CLAUSES_BEHIND = 5
"""A completion stands in the clause of the danger, or in one of so many behind it."""

_SOURCE_REACH = 40
"""Characters on either side of smoke in which its source, or a sign of fire, may stand."""

_CLAUSE = re.compile(r"[,。!?;:、…\n]")


class Resolution(NamedTuple):
    """Thanks or praise for a danger that is over."""

    praise: re.Pattern[str]
    courtesy: re.Pattern[str]
    completed: Mapping[str, re.Pattern[str]]
    irrealis_before: re.Pattern[str]
    irrealis_after: re.Pattern[str]
    realis: re.Pattern[str]
    unresolved: re.Pattern[str]

    def covers(self, text: str, danger: Span, classes: Iterable[str]) -> bool:
        """Return True if the folded `text` gives thanks for the end of the danger at `danger`, and none remains."""
        start, end = danger
        first, last = max(0, start - _THANKS_REACH), min(len(text), end + _THANKS_REACH)
        if self.praise.search(text, first, last) is None and self.courtesy.search(text, first, last) is None:
            return False
        completion = self._completion(text, start, end, [self.completed[name] for name in classes])
        if completion is None or not self._is_thanked(text, first, last, start, completion):
            return False
        until = min(len(text), max(end, completion[1]) + _UNRESOLVED_REACH)
        return self.unresolved.search(text, _clause(text, start)[0], until) is None

    def _completion(self, text: str, start: int, end: int, patterns: Iterable[re.Pattern[str]]) -> Span | None:
        """Return the first completion in the clause of the danger or behind it that is told as a fact."""
        first, last = _clause(text, start)[0], end
        for _ in range(_CLAUSES_BEHIND):
            last = _clause(text, min(last, len(text)))[1]
        found = sorted(match.span() for one in patterns for match in one.finditer(text, first, last))
        return next((one for one in found if self._is_fact(text, one)), None)

    def _is_fact(self, text: str, completion: Span) -> bool:
        clause = _clause(text, completion[0])
        if self.irrealis_before.search(text[clause[0] : completion[0]]):
            return False
        return self.irrealis_after.match(text, completion[1]) is None

    def _is_thanked(self, text: str, first: int, last: int, start: int, completion: Span) -> bool:
        """Return True for praise; for mere thanks, if the danger does not come first or the completion is marked.

        "我爸走丢了,谢谢你们帮我找到他" asks, "感谢你们帮我找到走丢的父亲" does not.
        """
        if self.praise.search(text, first, last):
            return True
        clause = _clause(text, completion[0])
        if self.realis.search(text, *clause):
            return True
        thanks = self.courtesy.search(text, clause[0], completion[0])
        return thanks is not None and thanks.start() < start


class Fumes(NamedTuple):
    """Smoke and bad air of cooking, tobacco, exhausts and offerings."""

    words: re.Pattern[str]
    breath: re.Pattern[str]
    source: re.Pattern[str]
    choking: re.Pattern[str]
    grave: re.Pattern[str]

    def covers(self, text: str, danger: Span, sentence: Span) -> bool:
        """Return True if the folded words at `danger` are fumes of an ordinary source, without any sign of fire.

        Short breath counts as such only if the fumes are said to cause it.
        """
        start, end = danger
        if self.words.search(text, start, end) is None:
            return False
        first, last = max(sentence[0], start - _SOURCE_REACH), min(sentence[1], end + _SOURCE_REACH)
        if self.source.search(text, first, last) is None or self.grave.search(text, first, last):
            return False
        clause = _clause(text, start)
        return self.breath.search(text, start, end) is None or self.choking.search(text, clause[0], end) is not None


def resolution(data: Mapping[str, Any]) -> Resolution:
    """Return `[resolution]` of the rules, compiled."""
    completed = {name: precompiled.pattern(pattern) for name, pattern in data["completed"].items()}
    return Resolution(completed=completed, **_compiled(data, Resolution._fields))


def fumes(data: Mapping[str, Any]) -> Fumes:
    """Return `[fumes]` of the rules, compiled."""
    return Fumes(**_compiled(data, Fumes._fields))


def _compiled(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: precompiled.pattern(data[name] or "(?!)") for name in names if name != "completed"}


def _clause(text: str, at: int) -> Span:
    """Return the bounds of the clause that holds the character at `at`, its closing mark included."""
    first = max((match.end() for match in _CLAUSE.finditer(text, max(0, at - 200), at)), default=max(0, at - 200))
    stop = _CLAUSE.search(text, at, at + 200)
    return first, stop.end() if stop else min(len(text), at + 200)
