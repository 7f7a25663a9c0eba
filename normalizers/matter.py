"""Matter: the words by which two messages can be told to be about the same: names, places, objects, numbers, areas.

Whatever the word lists (`rules/matters.toml`) do not know is taken for a name. Names are compared by pairs of
characters, so that 丽发小区 and 丽发新城, 美郡 and 郡美 still meet.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from operator import add
from pathlib import Path
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from normalizers import rules

HEAD_CHARACTERS = 60
"""The head is the title; without one, or with one that says next to nothing, the first sentence, at most so much."""

_SENTENCE = re.compile(rf".{{12,{HEAD_CHARACTERS}}}?[。!?;]")

TEXT_CHARACTERS = 300
"""So much of the text is looked at for places and objects: what comes later is mostly somebody else's story."""

NUMBERS_CHARACTERS = 100
"""So much of it for numbers, which abound in long stories."""

_SHORT_TITLE = 6

_AREA = re.compile(
    r"(?<![a-z0-9])[a-z]\d{0,2}[市区县]|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2,3}?[市区县](?=[\u4e00-\u9fff])"
)
"""A city or district: 岳麓区, and the letters that stand for one where a text was made anonymous (A3区)."""

_NUMBER = re.compile(r"(?<![a-z0-9])(?:[a-z]*\d+(?:\.\d+)?[a-z]*[\u4e00-\u9fff]?|[a-z]{2,})")
_DOOR = re.compile(r"([\u4e00-\u9fff]{2}(?:大道|路|街|巷|弄))(\d{1,5})号(?![楼线院])")
"""A house on a road (和平路11号): the end of the road's name, and the number."""

_COUNTS_ONLY = frozenset("年月日天小时点次个分名位岁元万倍余多来家人层份周条平米公里块号市区县")
"""After such a character a number counts or dates, and names nothing."""

_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


class Matter(NamedTuple):
    """Words of the head, and of the text behind it; `places` are those of the names that name a place.

    `doors` are the houses that either names: road and number.
    """

    names: frozenset[str]
    places: frozenset[str]
    objects: frozenset[str]
    numbers: frozenset[str]
    areas: frozenset[str]
    doors: frozenset[tuple[str, str]]
    text_names: frozenset[str]
    text_objects: frozenset[str]


class Rulebook(NamedTuple):
    """The word lists, ready to be asked."""

    known: AhoCorasick
    objects: Mapping[str, str]
    opens_place: frozenset[str]
    pairs: Callable[[str], tuple[tuple[str, ...], tuple[str, ...]]]


def matter_of(title: str, text: str, rules_folder: Path | None = None) -> Matter:
    """Return the matter of a message; both strings are folded (`normalizers.text.fold`)."""
    lists = rulebook(rules_folder)
    head, rest = _split(title, text)
    areas = frozenset(_AREA.findall(head))
    doors = frozenset(_DOOR.findall(f"{head},{rest}"))
    head = _AREA.sub(",", head) if areas else head
    own, beside = _words(head, lists), _words(rest, lists)
    return Matter(
        names=frozenset(own.names),
        places=frozenset(own.places),
        objects=frozenset(own.objects),
        numbers=frozenset(_numbers(head, lists)),
        areas=areas,
        doors=doors,
        text_names=frozenset((*beside.places, *_numbers(rest[:NUMBERS_CHARACTERS], lists))),
        text_objects=frozenset(beside.objects),
    )


def _split(title: str, text: str) -> tuple[str, str]:
    if len(title) >= _SHORT_TITLE:
        return title, text[:TEXT_CHARACTERS]
    sentence = _SENTENCE.match(text)
    end = sentence.end() if sentence is not None else HEAD_CHARACTERS
    return f"{title},{text[:end]}", text[end:TEXT_CHARACTERS]


class _Words(NamedTuple):
    names: list[str]
    places: list[str]
    objects: list[str]


def _words(text: str, lists: Rulebook) -> _Words:
    """Take one stretch of text apart, in one pass; what stands between the known words is taken for names."""
    found, end = _Words([], [], []), 0
    objects, opens_place = lists.objects, lists.opens_place
    for _, start, stop in lists.known.find_matches_as_indexes(text):
        word = text[start:stop]
        follows_name = start > end and _take(text[end:start], found, lists, is_place=word in opens_place)
        if word in objects and not (follows_name and word in opens_place):
            found.objects.append(objects[word])  # 噪音 is what it is about; 金鹰小学 is where
        end = stop
    if end < len(text):
        _take(text[end:], found, lists, is_place=False)
    return found


def _take(run: str, found: _Words, lists: Rulebook, *, is_place: bool) -> bool:
    """Take a stretch that no list knows, and say whether it ends with a name.

    A name is a place's when it ends like one, or when a place's ending follows (`is_place`).
    """
    ends_with_name = False
    for word in _RUN.findall(run):
        names, places = lists.pairs(word)
        ends_with_name = run.endswith(word)
        found.names.extend(names)
        found.places.extend(names if is_place and ends_with_name and not places else places)
    return ends_with_name


def _pairs(endings: Mapping[str, Sequence[str]], word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pairs of characters of a name, and those before its ending when it ends like a place.

    `endings` are given by their last character, the longest first.
    """
    pairs = tuple(map(add, word, word[1:]))
    for ending in endings.get(word[-1], ()):
        if word.endswith(ending) and len(word) - len(ending) > 1:
            return pairs, pairs[: len(word) - len(ending) - 1]
    return pairs, ()


def _numbers(text: str, lists: Rulebook) -> list[str]:
    found = _NUMBER.findall(text)
    return [number for number in found if number[-1] not in _COUNTS_ONLY and number not in lists.objects]


@cache
def rulebook(folder: Path | None = None) -> Rulebook:
    """Return the word lists, ready to be asked; raises KeyError or TypeError for what is no such file."""
    found = rules.load("matters", folder)
    objects = {word: line.split()[0] for line in found["objects"].strip().splitlines() for word in line.split()}
    known = sorted({*found["idle"].split(), *objects})
    endings = tuple(sorted(found["places"].split(), key=len, reverse=True))
    return Rulebook(
        known=AhoCorasick(known, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA),
        objects=objects,
        opens_place=frozenset(word for word in known if word.startswith(endings)),
        pairs=lru_cache(maxsize=65_536)(partial(_pairs, _by_last_character(endings))),
    )


def _by_last_character(endings: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for ending in endings:
        found.setdefault(ending[-1], []).append(ending)
    return found
