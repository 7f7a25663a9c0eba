"""Names (姓名) of two and three characters in a folded text that are likely ones, by their characters and neighbours.

No list tells every name, and no list of verbs what may follow one (和舒克明签了合同). So each of its characters and
of the two before and behind it weighs for or against (`rules/likely_names.csv`, tenths of a logit; ADR 42 tells what
the weights are made of): the surname, what given names are made of, whether words would be cut apart, and what else
stands where people are told of.
"""

import csv
import re
from collections.abc import Container, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import words_of_two
from normalizers.text.matcher import one_of, trie

_HAN = "\u4e00-\u9fff"
_BEGINS = "^"
_ENDS = "$"
_LINE = "¶"
"""What stands for the beginning and the end of a text and of a line among the weights."""

LIKELY = 17
"""From here on it is a name, in tenths of a logit."""

_BEHIND_AT_BEST = 42
"""What stands before and behind hardly ever adds more: what would need it is not looked at."""

_BEFORE_A_PERSON = 12
"""What a word before a person adds: somebody is told of there oftener than in the sentences that taught the weights."""

_BEFORE_A_TITLE = 12
"""What a form of address or an office right behind adds (俞敏之主任), for the same reason."""

_SURNAME_AT_LEAST = 4
"""Lesser ones (房, 时, 路) begin a third of what looks like a name, and one name of 272: cues find the others."""

_NEVER = 999
_TOLD_BY_THEM = "某姓"
"""Behind a surname alone, which other rules find."""

_SHORT = 2


class Likely(NamedTuple):
    """A span that is likely a name, and how likely."""

    weight: int
    start: int
    end: int


class LikelyNames(NamedTuple):
    """What finds them."""

    begins: re.Pattern[str]
    """A surname before what may be the beginning of a given name."""

    weights: Mapping[str, Mapping[str, int]]
    """By what they are of and their characters."""

    two: Mapping[str, str]
    """Words of two characters."""

    before: frozenset[str]
    """What stands before persons: 和, 被, 找."""

    known: frozenset[str]
    """Words of two and three characters that begin like such a name, rarer than `words_of_two`."""

    words: re.Pattern[str]
    """Words and places that begin like a name."""

    place: re.Pattern[str]
    """How firms and places go on behind a name."""

    titles: frozenset[str]
    """What other rules find behind a surname (叔叔): no given name."""

    titled: re.Pattern[str]
    """A form of address or an office."""

    addressed: re.Pattern[str]
    """An office behind a name, as in a salutation."""

    @classmethod
    def of(cls, whole: Mapping[str, Any], words: re.Pattern[str], place: re.Pattern[str]) -> "LikelyNames":
        """Make it of the city's lists, of `words` that are no names, and of how firms and places go on behind one."""
        found, persons = whole["likely_names"], whole["third_persons"]
        never = {*persons["never_given"], *found["ends_of_places"], *_TOLD_BY_THEM}
        weights = {kind: dict(of) for kind, of in _table().items()}
        for kind in ("alone", "first", "last"):
            weights[kind] = {one: weight for one, weight in weights[kind].items() if one not in never}
        weights["surname"] = {one: weight for one, weight in weights["surname"].items() if weight >= _SURNAME_AT_LEAST}
        given = "".join({*weights["alone"], *weights["first"]})
        return cls(
            begins=precompiled.pattern(rf"{one_of(''.join(weights['surname']))}(?=[{given}])"),
            weights=weights,
            two=words_of_two(),
            before=frozenset(found["before"]),
            known=frozenset(weights["word"]),
            words=precompiled.pattern(
                rf"{words.pattern}|{trie([*found['words'].split(), *_places(weights['surname'])])}"
            ),
            place=precompiled.pattern(rf"{place.pattern}|.{{0,2}}{trie(found['places'].split())}"),
            titles=frozenset((*whole["addressed"]["others"].split(), *whole["addressed"]["polite"].split())),
            titled=precompiled.pattern(
                trie([*persons["titles"].split(), *whole["addressed"]["others"].split(), "小朋友", "同学"])
            ),
            addressed=precompiled.pattern(rf"{trie(persons['titles'].split())}[:,\s]*(?:[您你]好|:)"),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where a likely name stands; of two that overlap the likelier one."""
        last: Likely | None = None
        told = dict[str, bool]()
        for start, weight in self._begun(text):
            one = self._likelier(text, start, weight, told)
            if one is None:
                continue
            if last is not None and one.start >= last.end:
                yield last.start, last.end
            elif last is not None and one.weight <= last.weight:
                continue
            last = one
        if last is not None:
            yield last.start, last.end

    def _begun(self, text: str) -> list[tuple[int, int]]:
        """Return where a name may begin, and the weight of its surname and of what stands before."""
        surname, before, persons = self.weights["surname"], self.weights["before"], self.before
        alone, firsts, lasts = self.weights["alone"], self.weights["first"], self.weights["last"]
        found = list[tuple[int, int]]()
        for begun in self.begins.finditer(text):
            start = begun.start()
            left, two = text[start - 1] if start else _BEGINS, text[start + 1]
            weight = surname[text[start]] + before.get(left, 0) + (_BEFORE_A_PERSON if left in persons else 0)
            least = LIKELY - _BEHIND_AT_BEST - weight
            if alone.get(two, -_NEVER) >= least or (
                firsts.get(two, -_NEVER) + lasts.get(text[start + 2 : start + 3], -_NEVER) >= least
            ):
                found.append((start, weight))
        return found

    def _likelier(self, text: str, start: int, weight: int, told: dict[str, bool]) -> Likely | None:
        """Return the likelier of the names that begin there, if one is likely and no word, place or addressee."""
        weights, words, cuts = self.weights, self.two, self.weights["cuts"]
        first, two, three = text[start], text[start + 1], text[start + 2 : start + 3]
        before, further = text[start - 1] if start else _BEGINS, text[start - 2] if start > 1 else _BEGINS
        weight += weights["two_before"].get(further + before, 0)
        weight += cuts["into"] * (first in words.get(before, "")) + cuts["before"] * (before in words.get(further, ""))
        second = two in words.get(first, "")
        short = -_NEVER if second else weights["alone"].get(two, -_NEVER)
        long = weights["first"].get(two, -_NEVER) + weights["last"].get(three, -_NEVER)
        long += cuts["begins"] * second + cuts["given"] * (three in words.get(two, ""))
        found: Likely | None = None
        for inside, end in ((long, start + 3), (short, start + 2)):
            if inside + weight + _BEHIND_AT_BEST > LIKELY:
                one = Likely(inside + weight + self._behind(text, end), start, end)
                if one.weight > max(LIKELY, found.weight if found else LIKELY) and not self._is_another(
                    text, one, told
                ):
                    found = one
        return found

    def _behind(self, text: str, end: int) -> int:
        """Return the weight of what stands behind a name."""
        weights, words, cuts = self.weights, self.two, self.weights["cuts"]
        behind, beyond = text[end : end + 1] or _ENDS, text[end + 1 : end + 2] or _ENDS
        weight = weights["behind"].get(behind, 0) + weights["two_behind"].get(behind + beyond, 0)
        return (
            weight
            + cuts["out"] * (behind in words.get(text[end - 1], ""))
            + cuts["behind"] * (beyond in words.get(behind, ""))
            + _BEFORE_A_TITLE * (self.titled.match(text, end) is not None)
        )

    def _is_another(self, text: str, one: Likely, told: dict[str, bool]) -> bool:
        """Say whether it is a word, a place, a firm or who is addressed; `told` are names that were asked about."""
        name = text[one.start : one.end]
        if (
            name in self.known
            or name[1:] in self.titles
            or self.words.match(text, one.start)
            or text.endswith("尊敬的", 0, one.start)
        ):
            return True
        if name not in told:
            told[name] = self._is_told_as_a_place(text, name)
        return told[name] or self.addressed.match(text, one.end) is not None

    def _is_told_as_a_place(self, text: str, name: str) -> bool:
        """Say whether a firm or a place is called so anywhere in the text: 华颖公司."""
        at = text.find(name)
        while at >= 0:
            if self.place.match(text, at + len(name)):
                return True
            at = text.find(name, at + len(name))
        return False


def _places(surnames: Container[str]) -> Iterator[str]:
    """Yield the names of divisions, and their ends, that begin like a name: 岳阳, 鲁木齐."""
    for one in divisions.names():
        if len(one) > 1 and one[0] in surnames:
            yield one
        yield from (one[at:] for at in range(1, len(one) - _SHORT) if one[at] in surnames)


@cache
def _table() -> Mapping[str, Mapping[str, int]]:
    """Return the weights by what they are of: `surname`, `alone`, `first`, `last`, `before` …, and the words (0)."""
    found: dict[str, dict[str, int]] = {}
    with resources.files("normalizers.rules").joinpath("likely_names.csv").open(encoding="utf-8") as table:
        for line in csv.DictReader(table):
            kind, weight, signs = line["kind"], int(line["tenths"]), line["signs"].replace(_LINE, "\n")
            size = _SHORT if kind.startswith("two_") else 1
            each = signs.split() if kind in ("word", "cuts") else map("".join, zip(*[iter(signs)] * size, strict=True))
            found.setdefault(kind, {}).update((one, weight) for one in each)
    return found
