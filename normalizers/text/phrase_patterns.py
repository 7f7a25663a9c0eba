"""Cues: ways to say something, one word or one of some words and a little later one of others, found with their place.

Written `投诉`, or `请|望…解决|帮助`: one of the first words, and in the same sentence, up to `within` characters later,
one of the second; then of a third, and so on. `@name` in the place of a word stands for a list. However words are
written, they are looked for as `fold` gives them.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Generic, NamedTuple, TypeVar

from normalizers.rules import precompiled
from normalizers.text.fold import Span, aligned, fold, sources
from normalizers.text.matcher import Match, Words, cover, trie
from normalizers.text.spans import At

_SENTENCE = re.compile(r"[。!?\n]")

_DIGITS = frozenset("0123456789一二三四五六七八九十")

MOST_PARTS = 4

_NO_LISTS: Mapping[str, Sequence[str]] = {}

Label = TypeVar("Label", bound=Hashable)


class Said(NamedTuple, Generic[Label]):
    """What a cue tells where it stands in a folded text, from `start` to before `end`, by these words of it."""

    label: Label
    start: int
    end: int
    words: str


class _Cue(NamedTuple, Generic[Label]):
    """A cue by the numbers of its words: those that may follow on its first one."""

    label: Label
    later: tuple[frozenset[int], ...]


_Found = tuple[int, int, int]
"""Start, end and number of a word."""


class Cues(Generic[Label]):
    """Cues by what they tell; `covered` phrases are looked through by none of them."""

    def __init__(
        self,
        written: Iterable[tuple[Label, str]],
        within: int,
        covered: Iterable[str] = (),
        lists: Mapping[str, Sequence[str]] = _NO_LISTS,
    ) -> None:
        self.covered = precompiled.pattern(trie(map(fold, covered)))
        self._within = within
        labels, texts = zip(*written, strict=True) if (written := tuple(written)) else ((), ())
        parted = precompiled.remembered(
            f"words of cues {_sources()}", repr((texts, dict(lists))), lambda: [_parts(text, lists) for text in texts]
        )
        cues = list(zip(labels, parted, strict=True))
        if too_long := [parts for _, parts in cues if len(parts) > MOST_PARTS]:
            raise ValueError(f"a cue has {MOST_PARTS} parts at most: {too_long[0]}")
        self.words = Words(word for _, parts in cues for words in parts for word in words)
        numbers = {word: number for number, word in enumerate(self.words.sorted)}
        self._digits = frozenset(number for word, number in numbers.items() if word[0] in _DIGITS)
        self._begun_by: list[list[_Cue[Label]]] = [[] for _ in numbers]
        for label, (first, *later) in cues:
            cue = _Cue(label, tuple(frozenset(numbers[word] for word in words) for words in later))
            for word in first:
                self._begun_by[numbers[word]].append(cue)

    def may_tell(self, said: str) -> bool:
        """Say whether a cue stands in a folded text, covered or not: far cheaper than `evidence`."""
        return next(self._found(said), None) is not None

    def found(self, said: str) -> Iterator[Said[Label]]:
        """Return what is told in a folded text, in its order."""
        return self._found(self.covered.sub(cover, said))

    def _found(self, said: str) -> Iterator[Said[Label]]:
        digits, begun_by = self._digits, self._begun_by
        matches = self.words.matches(said)
        if not self._may_stand(matches):
            return
        found = sorted(
            [
                (start, end, number)
                for number, start, end in matches
                if number not in digits or not _is_end_of_number(said, start)
            ]
        )
        there = {number for _, _, number in found}
        for at, (start, end, number) in enumerate(found):
            for cue in begun_by[number]:
                if cue.later and cue.later[0].isdisjoint(there):
                    continue
                if (later := self._later(said, found, at, cue.later)) is not None:
                    words = "".join([said[start:end], *(said[first:last] for first, last, _ in later)])
                    yield Said(cue.label, start, later[-1][1] if later else end, words)

    def _may_stand(self, matches: Iterable[Match]) -> bool:
        """Say whether a word of each part of some cue is there: in most texts none has all of them."""
        there, begun_by = {number for number, _, _ in matches}, self._begun_by
        for number in there:
            for cue in begun_by[number]:
                for part in cue.later:
                    if part.isdisjoint(there):
                        break
                else:
                    return True
        return False

    def evidence(self, title: str | None, text: str) -> Iterator[tuple[Label, At]]:
        """Yield what a message as written tells, title first, with its place."""
        yield from ((label, At(title=span)) for label, span in self._spans(title)) if title else ()
        yield from ((label, At(text=span)) for label, span in self._spans(text))

    def _spans(self, text: str) -> Iterator[tuple[Label, Span]]:
        plain, offsets = aligned(text)
        for one in self.found(plain):
            yield one.label, (offsets[one.start], offsets[one.end - 1] + 1)

    def _later(
        self, said: str, found: Sequence[_Found], number: int, parts: Sequence[frozenset[int]]
    ) -> tuple[_Found, ...] | None:
        """Return where the other parts of a cue stand behind its first, which was found there; None if they do not."""
        if not parts:
            return ()
        after = found[number][1]
        for at in range(number, len(found)):
            start, _, word = one = found[at]
            if start > after + self._within:
                break
            if start < after or word not in parts[0] or _SENTENCE.search(said, after, start):
                continue
            if (rest := self._later(said, found, at, parts[1:])) is not None:
                return (one, *rest)
        return None


def _is_end_of_number(said: str, start: int) -> bool:
    """Say whether a word begins inside a number: 八岁 in 二十八岁, 6岁 in 26岁."""
    return start > 0 and said[start] in _DIGITS and said[start - 1] in _DIGITS


@cache
def _sources() -> str:
    return f"{precompiled.digest_of(__file__)} {sources()}"


def _parts(text: str, lists: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    return [_words(part, lists) for part in text.split("…")]


def _words(part: str, lists: Mapping[str, Sequence[str]]) -> frozenset[str]:
    words = {fold(word) for one in part.split("|") for word in (lists[one[1:]] if one.startswith("@") else (one,))}
    if "" in words:
        raise ValueError("a cue has an empty word")
    return frozenset(words)
