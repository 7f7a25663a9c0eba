"""Matter: the words by which two messages can be told to be about the same: names, places, objects, numbers, areas.

Whatever the word lists (`rules/matters.toml`) do not know is taken for a name. Names are compared by pairs of
characters, so that 丽发小区 and 丽发新城, 美郡 and 郡美 still meet.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.similarity.areas import areas_in, areas_of, without_areas
from normalizers.similarity.aspects import Aspects, aspects, aspects_in
from normalizers.similarity.boilerplate import Greetings, behind_greeting, greetings_in, opening
from normalizers.similarity.circumstances import moments
from normalizers.similarity.dates import in_digits
from normalizers.similarity.discriminators import (
    Kinds,
    Mark,
    circumstances_of,
    kinds_of,
    marks_of,
    tells_where,
    things_of,
)
from normalizers.similarity.location_terms import names_on_the_map, rare_names
from normalizers.similarity.place_names import Endings, Name, endings_of, pairs_of
from normalizers.similarity.reference_numbers import papers_of
from normalizers.text.matcher import COMPACT, trie

HEAD_CHARACTERS = 60
"""The head is the title; without one, or with one that says next to nothing, the first sentence, at most so much."""

_SENTENCE = precompiled.pattern(rf".{{12,{HEAD_CHARACTERS}}}?[。!?;]")

TEXT_CHARACTERS = 300
"""So much of the text is looked at for places and objects: what comes later is mostly somebody else's story."""

ASPECT_CHARACTERS = 100
"""Of longer letters nobody says in one word what happened: they tell of many things."""

NUMBERS_CHARACTERS = 100
"""So much of it for numbers, which abound in long stories."""

_SHORT_TITLE = 6

_BEHIND = r"(?:\.\d+)?[a-z]*[\u4e00-\u9fff]?"
_NUMBER = precompiled.pattern(rf"[a-z\d](?<![a-z0-9].)(?:(?<=\d)\d*{_BEHIND}|(?<=[a-z])(?:[a-z]*\d+{_BEHIND}|[a-z]+))")
"""A number, or Latin letters; its first character stands first, so that it is looked for."""

_COUNTS_ONLY = frozenset("年月日天小时点次个分名位岁元万倍余多来家人层份周条平米公里块号市区县")
"""After such a character a number counts or dates, and names nothing."""

_HAN = r"[\u4e00-\u9fff]"
_LONG = 3
"""Known words of so many characters are in no name."""

_RUN = precompiled.pattern(rf"{_HAN}{{2,}}")


class Matter(NamedTuple):
    """Words of the head, and of the text behind it; `places` are those of the names that name a place.

    `marks` tell what it is about from others of the kind (`normalizers/similarity/discriminators.py`).
    """

    is_titled: bool
    """Whether a title says what it is about, as 投诉 and 请领导帮忙解决 do not."""

    names: frozenset[str]
    places: frozenset[str]
    objects: frozenset[str]
    numbers: frozenset[str]
    areas: frozenset[str]
    marks: frozenset[Mark]
    papers: frozenset[str]
    text_names: frozenset[str]
    text_objects: frozenset[str]
    aspects: frozenset[str]
    """What happened, where there is no title."""
    opening: str
    """How the text of a letter begins, behind its greeting, where it says who writes: 我是锦绣华庭的业主."""
    told: frozenset[str]
    """What happened, anywhere behind that: a letter tells of many things."""
    whereabouts: frozenset[str]
    """What tells where it is, or whose."""


class Known(NamedTuple):
    """A known word: whether it may be a part of a name, its object, and whether it begins like a place's ending."""

    word: str
    may_be_in_name: bool
    object: str | None
    opens_place: bool


class Rulebook(NamedTuple):
    """The word lists, ready to be asked."""

    known: AhoCorasick
    words: Sequence[Known]
    objects: Mapping[str, str]
    in_names: frozenset[str]
    last_in_names: frozenset[str]
    with_and: frozenset[str]
    endings: Endings
    kinds: Kinds
    aspects: Aspects
    landmarks: re.Pattern[str]
    everyday: frozenset[str]
    areas: re.Pattern[str]
    greetings: Greetings
    pairs: Callable[[str], Name]


def matter_of(title: str, text: str, rules: Rules = DEFAULT_RULES, day: date | None = None) -> Matter:
    """Return the matter of a message of this day; both strings are folded (`normalizers.text.fold.fold`)."""
    lists = rulebook(rules)
    title, text = in_digits(title), in_digits(text[: 4 * TEXT_CHARACTERS])
    of_title = _words(title, lists) if len(title) >= _SHORT_TITLE else None
    is_titled = of_title is not None and any(of_title)
    head, rest = (title, text[:TEXT_CHARACTERS]) if is_titled else _begun(title, text, lists.greetings)
    areas = areas_in(head, lists.areas)
    marks = frozenset(marks_of(head, rest, lists.kinds))
    head = without_areas(head, lists.areas) if areas else head
    begins, behind = opening(text, TEXT_CHARACTERS, lists.greetings)
    own = of_title if of_title is not None and head is title else _words(head, lists)
    beside = _words(rest, lists)
    places, lead, told = frozenset((*own.places, *own.within)), "", _Words([], [], [], [])
    if not places:
        lead = without_areas(_first_sentence(rest), lists.areas)
        told = _words(lead, lists)
        places, marks = frozenset((*told.places, *told.within)), marks.union(things_of(lead, lists.kinds))
        marks = marks if places else marks.union(circumstances_of(f"{head},{lead}", marks, day, lists.kinds))
    marks = marks.union(_moments(head, marks, day, lists))
    return Matter(
        is_titled=is_titled,
        names=frozenset(own.names),
        places=places,
        objects=frozenset(own.objects),
        numbers=frozenset(_numbers(head, lists)),
        areas=areas,
        marks=marks,
        papers=frozenset(papers_of(marks, lists.kinds.papers)),
        text_names=frozenset((*beside.places, *_numbers(rest[:NUMBERS_CHARACTERS], lists))),
        text_objects=frozenset(beside.objects),
        aspects=frozenset() if is_titled else frozenset(_aspects(head, rest, lists)),
        opening=begins,
        told=frozenset(aspects(behind, lists.aspects)),
        whereabouts=places.union(areas, _whereabouts(f"{head},{lead}", (*own.names, *told.names), marks, lists)),
    )


def _moments(head: str, marks: Iterable[Mark], day: date | None, lists: Rulebook) -> Iterable[Mark]:
    """Return about when it happened, by its dates or by the calendar; where 昨天 is the very day, that is enough."""
    told = [which for kind, which in marks if kind == "day"]
    is_enough = told and all(kind != "month" for kind, _ in marks)
    return () if day is None or is_enough else moments(head, day, told, lists.kinds.circumstances)


def _aspects(head: str, rest: str, lists: Rulebook) -> tuple[str, ...]:
    """Return what happened by the head of a short text, or by the rest where the head does not say."""
    if len(head) + len(rest) > ASPECT_CHARACTERS:
        return ()
    return tuple(aspects(head, lists.aspects)) or tuple(aspects(rest, lists.aspects))


def _whereabouts(head: str, names: Iterable[str], marks: Iterable[Mark], lists: Rulebook) -> Iterator[str]:
    """Yield what tells where it is, or whose, other than places and areas."""
    yield from names_on_the_map(head, lists.landmarks)
    yield from rare_names(names, lists.everyday)
    for kind, which in marks:
        if tells_where(kind, lists.kinds):
            yield which if _RUN.fullmatch(which) else f"{kind} {which}"


def _begun(title: str, text: str, greetings: Greetings) -> tuple[str, str]:
    """Return the head of a text that has no good title, its first sentence, and the rest."""
    text = behind_greeting(text, greetings)
    sentence = _SENTENCE.match(text)
    end = sentence.end() if sentence is not None else HEAD_CHARACTERS
    return f"{title},{text[:end]}", text[end:TEXT_CHARACTERS]


def _first_sentence(text: str) -> str:
    """Return where somebody begins to tell what the head only named (电梯故障无人维修): the place stands there."""
    sentence = _SENTENCE.match(text)
    return text[: sentence.end() if sentence is not None else HEAD_CHARACTERS]


class _Words(NamedTuple):
    names: list[str]
    places: list[str]
    within: list[str]
    objects: list[str]


def _words(text: str, lists: Rulebook) -> _Words:
    """Take one stretch of text apart, in one pass; what stands between the known words is taken for names."""
    found, end = _Words([], [], [], []), 0
    words = lists.words  # of one character that no list knows nothing is made
    for number, start, stop in lists.known.find_matches_as_indexes(text):
        word, may_be_in_name, what, opens_place = words[number]
        if may_be_in_name and _is_in_name(word, text, stop, lists, follows=start > end):
            continue
        follows_name = start > end + 1 and _take(text[end:start], found, lists, is_place=opens_place)
        if what is not None and not (follows_name and opens_place):
            found.objects.append(what)  # 噪音 is what it is about; 金鹰小学 is where
        end = stop
    if end < len(text) - 1:
        _take(text[end:], found, lists, is_place=False)
    return found


def _is_in_name(word: str, text: str, stop: int, lists: Rulebook, *, follows: bool) -> bool:
    """Say whether a known word is a part of a place's name: 湖 in 明湖小区 and 湖滨路, 和 in 和平小区 and 永和家园.

    What grammar also uses ends a name only where it `follows` on what no list knows.
    """
    endings = lists.endings
    if word in lists.in_names:
        behind = (endings.after_part, endings.after_last, endings.after_first)
        return any(pattern.match(text, stop) for pattern in behind)
    if len(word) == 1 and text[stop : stop + 1] in lists.last_in_names and text[stop - 1 : stop + 1] in lists.with_and:
        return endings.after_last.match(text, stop + 1) is not None  # 太 of 太和路
    may_end = follows and word in lists.last_in_names
    if may_end and endings.after_last.match(text, stop) is not None:
        return True
    may_be = len(word) == 1 and text[stop + 1 : stop + 2] in endings.begins
    return may_be and endings.after_first.match(text, stop) is not None


def _take(run: str, found: _Words, lists: Rulebook, *, is_place: bool) -> bool:
    """Take a stretch that no list knows, and say whether it ends with a name.

    A name is a place's when it ends like one, or when a place's ending follows (`is_place`).
    """
    ends_with_name = False
    for word in _RUN.findall(run):
        pairs, place, within = lists.pairs(word)
        ends_with_name = run.endswith(word)
        found.names.extend(pairs)
        if within:
            found.within.extend(within)
        if place or (is_place and ends_with_name):
            found.places.extend(place or pairs)
    return ends_with_name


def _numbers(text: str, lists: Rulebook) -> list[str]:
    found = _NUMBER.findall(text)
    return [number for number in found if number[-1] not in _COUNTS_ONLY and number not in lists.objects]


@part("matters.toml", "place.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Rulebook:
    """Return the word lists, ready to be asked; raises KeyError or TypeError for what is no such file."""
    found = rules.toml("matters")
    objects = {word: line.split()[0] for line in found["objects"].strip().splitlines() for word in line.split()}
    known = sorted({*found["idle"].split(), *objects})
    in_names = frozenset(found["in_names"].split())
    last_in_names, opens_place = frozenset(found["last_in_names"].split()), tuple(found["places"].split())
    endings = endings_of(found["places"].split(), found["ends_name"].split(), set(known) - in_names)
    return Rulebook(
        known=AhoCorasick(known, matchkind=MatchKind.LeftmostLongest, implementation=COMPACT),
        words=[
            Known(
                word,
                len(word) < _LONG and (len(word) == 1 or word in in_names or word in last_in_names),
                objects.get(word),
                word.startswith(opens_place),
            )
            for word in known
        ],
        objects=objects,
        in_names=in_names,
        with_and=frozenset(rules.toml("place")["message"]["with_and"].split()),
        last_in_names=last_in_names,
        endings=endings,
        kinds=kinds_of(found),
        aspects=aspects_in(found),
        landmarks=precompiled.pattern(trie(found["landmarks"].split())),
        everyday=frozenset(found.get("everyday", "").split()),  # a city's own file may be older than this list
        areas=areas_of(found),
        greetings=greetings_in(found),
        pairs=lru_cache(maxsize=65_536)(partial(pairs_of, endings)),
    )
