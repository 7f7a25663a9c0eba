"""Matter: the words by which two messages can be told to be about the same: names, places, objects, numbers, areas.

Whatever the word lists (`rules/matters.toml`) do not know is taken for a name. Names are compared by pairs of
characters, so that 丽发小区 and 丽发新城, 美郡 and 郡美 still meet.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from normalizers import rules

HEAD_CHARACTERS = 60
"""The head is the title; without one, or with one that says next to nothing, the first sentence, at most so much."""

_SENTENCE = re.compile(rf".{{12,{HEAD_CHARACTERS}}}?[。!?;]")

TEXT_CHARACTERS = 400
"""So much of the text is looked at for places and objects: what comes later is mostly somebody else's story."""

_SHORT_TITLE = 6

_AREA = re.compile(r"(?<![a-z0-9])[a-z]\d{0,2}[市区县]|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,3}?[市区县](?=[\u4e00-\u9fff])")
"""A city or district: 岳麓区, and the letters that stand for one where a text was made anonymous (A3区)."""

_NUMBER = re.compile(r"(?<![a-z0-9])(?:[a-z]*\d+(?:\.\d+)?[a-z]*[\u4e00-\u9fff]?|[a-z]{2,})")
_COUNTS_ONLY = frozenset("年月日天小时点次个分名位岁元万倍余多来家人层份周条平米公里块号")
"""After such a character a number counts or dates, and names nothing."""

_RUN = re.compile(r"[\u4e00-\u9fff]+")


class Matter(NamedTuple):
    """Words of the head, and of the text behind it; `places` are those of the names that name a place."""

    names: frozenset[str]
    places: frozenset[str]
    objects: frozenset[str]
    numbers: frozenset[str]
    areas: frozenset[str]
    text_names: frozenset[str]
    text_objects: frozenset[str]


class _Lists(NamedTuple):
    known: AhoCorasick
    objects: Mapping[str, str]
    endings: tuple[str, ...]
    version: str


def matter_of(title: str, text: str) -> Matter:
    """Return the matter of a message; both strings are folded (`normalizers.text.fold`)."""
    head, rest = _split(title, text)
    own, beside = _Words(head), _Words(rest)
    return Matter(
        names=frozenset(own.names),
        places=frozenset(own.places),
        objects=frozenset(own.objects),
        numbers=frozenset(_numbers(own.plain)),
        areas=frozenset(own.areas),
        text_names=frozenset((*beside.places, *_numbers(beside.plain[:TEXT_CHARACTERS // 4]))),
        text_objects=frozenset(beside.objects),
    )


def version() -> str:
    """Return the version of the word lists."""
    return _lists().version


def _split(title: str, text: str) -> tuple[str, str]:
    if len(title) >= _SHORT_TITLE:
        return title, text[:TEXT_CHARACTERS]
    sentence = _SENTENCE.match(text)
    end = sentence.end() if sentence is not None else HEAD_CHARACTERS
    return f"{title},{text[:end]}", text[end:TEXT_CHARACTERS]


class _Words:
    """What one stretch of text is made of, in one pass."""

    def __init__(self, text: str) -> None:
        self.areas = _AREA.findall(text)
        self.plain = _AREA.sub(",", text)
        self.names: list[str] = []
        self.places: list[str] = []
        self.objects: list[str] = []
        self._read(_lists())

    def _read(self, lists: _Lists) -> None:
        plain, end = self.plain, 0
        for _, start, stop in lists.known.find_matches_as_indexes(plain):
            if start > end:
                self._take(plain[end:start], lists, followed=plain[start:stop])
            word = plain[start:stop]
            if word in lists.objects and not (start - end > 1 and word.startswith(lists.endings)):
                self.objects.append(lists.objects[word])  # 噪音 is what it is about; 金鹰小学 is where
            end = stop
        if end < len(plain):
            self._take(plain[end:], lists, followed="")

    def _take(self, run: str, lists: _Lists, followed: str) -> None:
        """Take a stretch that no list knows; it names a place when it ends like one, or one's ending follows."""
        for match in _RUN.finditer(run):
            word = match[0]
            if len(word) < 2:
                continue
            self.names += _pairs(word)
            ending = next((e for e in lists.endings if word.endswith(e) and len(word) - len(e) > 1), None)
            if ending is not None:
                self.places += _pairs(word[: -len(ending)])
            elif match.end() == len(run) and followed.startswith(lists.endings):
                self.places += _pairs(word)


def _pairs(word: str) -> Iterator[str]:
    return (word[at : at + 2] for at in range(len(word) - 1))


def _numbers(plain: str) -> Iterator[str]:
    objects = _lists().objects
    for number in _NUMBER.findall(plain):
        if number[-1] not in _COUNTS_ONLY and number not in objects:
            yield number


@cache
def _lists() -> _Lists:
    found = rules.load("matters")
    objects = {word: line.split()[0] for line in found["objects"].strip().splitlines() for word in line.split()}
    known = sorted({*found["idle"].split(), *objects})
    return _Lists(
        known=AhoCorasick(known, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA),
        objects=objects,
        endings=tuple(sorted(found["places"].split(), key=len, reverse=True)),
        version=found["version"],
    )
