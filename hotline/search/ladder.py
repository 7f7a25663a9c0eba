"""The rungs of a search as queries of Elasticsearch: as written or a synonym, sounds alike, most of it.

Texts are asked for as phrases: one token a Chinese character, its numbers whole (12号 is not in 128号). A lower rung
leaves out what is on a higher one.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from msgspec import Struct

from hotline.search.query import narrowed
from hotline.search.question import Question, Word, is_han, matters, parse
from hotline.search.synonyms import Table
from normalizers.text.lexicon import is_word
from normalizers.text.sounds import spelt, syllables
from schemas import ids
from tickets.search import Query, RungName, Sight, Synonyms

Clause = dict[str, Any]

THERE: Clause = {"exists": {"field": "ticket_id"}}
"""A restricted ticket leaves an empty document in an index."""

RESTRICTED: Clause = {"term": {"confidentiality": "restricted"}}
LONG = 5
"""Characters of a word of which most is enough."""

_ENOUGH = 0.6
_SOUNDING = range(2, 9)
"""Syllables of a Chinese word that is looked for by its sound: one stands for too much, and more are a sentence."""


class Ladder(Struct, frozen=True, kw_only=True):
    """The query of each rung; None where a rung has nothing to ask."""

    words: Clause
    sounds: Clause | None = None
    most: Clause | None = None
    marked: Clause | None = None
    """What of the rung `most` is marked in a text."""
    heard: tuple[str, ...] = ()
    """Syllables of the words of the rung `sounds`, to mark them."""
    synonyms: tuple[Synonyms, ...] = ()

    def of(self, name: RungName) -> Clause | None:
        """Return the query of a rung."""
        return {"words": self.words, "sounds": self.sounds, "most": self.most}[name]


def ladder(query: Query, table: Table) -> Ladder:
    """Return the rungs of a query."""
    narrow = [THERE, *narrowed(query.filters)]
    hidden = unseen(query.sight)
    number = query.text.strip()
    if ids.valid_ticket_no(number):
        return Ladder(words=_bool([{"term": {"ticket_no": number}}, *narrow], hidden))
    asked = parse(query.text)
    if asked.empty:
        return Ladder(words={"match_none": {}})
    written = frozenset(map(_folded, query.as_written))
    groups = [[(word, _ways(word, table, written)) for word in group] for group in asked.groups]
    first = [_any(_phrase(way) for _, ways in group for way in ways) for group in groups]
    unwanted = [*hidden, *(_phrase(word.text) for word in asked.unwanted)]
    heard = [_heard(word) for group in asked.groups for word in group]
    sounds = most = marked = None
    above = [*unwanted, _bool(first)]
    if any(heard):
        second = [
            _any([clause, *(_sound(said) for word, _ in group for said in _heard(word))])
            for clause, group in zip(first, groups, strict=True)
        ]
        sounds = _bool(narrow, above, second)
        above = [*above, _bool(second)]
    if any(_is_long(word) for group in asked.groups for word in group):
        third = [_any(_most(word, ways, table, written) for word, ways in group) for group in groups]
        if all(third):
            most = _bool(narrow, above, third)
            marked = _any(one for word in _long(asked) for one in _marks(word, table, written))
    return Ladder(
        words=_bool(narrow, unwanted, first),
        sounds=sounds,
        most=most,
        marked=marked,
        heard=tuple(said for one in heard for said in one),
        synonyms=tuple(_shown(asked, table, written)),
    )


def unseen(sight: Sight) -> list[Clause]:
    """Return what a search with this right never finds."""
    return [] if sight == "restricted" else [RESTRICTED]


def _folded(word: str) -> str:
    return " ".join(one.text for group in parse(word).groups for one in group)


def _bool(filters: list[Clause], unwanted: list[Clause] | None = None, scored: list[Clause] | None = None) -> Clause:
    return {"bool": {"must": scored or [], "filter": filters, "must_not": unwanted or []}}


def _any(ways: Iterable[Clause | None]) -> Clause:
    known = [way for way in ways if way is not None]
    return known[0] if len(known) == 1 else {"dis_max": {"queries": known}}


def _phrase(text: str) -> Clause:
    return {"match_phrase": {"search_text": text}}


def _sound(said: str) -> Clause:
    return {"match_phrase": {"search_sound": said}}


def _ways(word: Word, table: Table, written: frozenset[str]) -> list[str]:
    """Return a word as written, and with synonyms in it."""
    return [word.text] if word.exact else [word.text, *table.variants(word.text, written)]


def _shown(asked: Question, table: Table, written: frozenset[str]) -> Iterator[Synonyms]:
    seen: set[str] = set()
    for word in (one for group in asked.groups for one in group if not one.exact):
        for found, also in table.within(word.text).items():
            if found not in seen and found not in written:
                seen.add(found)
                yield Synonyms(word=found, also=also)


def _heard(word: Word) -> list[str]:
    """Return the ways in which a word sounds, as syllables with blanks; none if it is exact, or too short."""
    if word.exact:
        return []
    if any(map(is_han, word.text)):
        said = [one.sound for one in syllables(word.text)]
        return [" ".join(said)] if len(said) in _SOUNDING else []
    return [said for said in spelt(word.text) if " " in said]


def _is_long(word: Word) -> bool:
    return not word.exact and sum(map(is_han, word.text)) >= LONG


def _long(asked: Question) -> Iterator[Word]:
    return (word for group in asked.groups for word in group if _is_long(word))


def _most(word: Word, ways: list[str], table: Table, written: frozenset[str]) -> Clause | None:
    """Return the clause for most of a long word, by its pairs; a short one must be there."""
    if not _is_long(word):
        return _any(map(_phrase, ways))
    pairs = list(_pairs(word, table, written))
    least = max(min(2, len(pairs)), int(_ENOUGH * len(pairs)))
    return {"bool": {"should": pairs, "minimum_should_match": least}} if pairs else None


def _pairs(word: Word, table: Table, written: frozenset[str]) -> Iterator[Clause]:
    """Yield a clause for each pair of characters that says something, or for a word and its synonyms."""
    for piece in matters(word.text):
        done = 0
        for start, end, also in table.spans(piece):
            yield from map(_pair, _telling(piece[done:start]))
            others = () if piece[start:end] in written else also
            yield _any([_phrase(piece[start:end]), *map(_phrase, others)])
            done = end
        rest = piece[done:]
        if len(rest) > 1 and all(map(is_han, rest)):
            yield from map(_pair, _telling(rest))
        elif rest and not any(map(is_han, rest)):
            yield _phrase(rest)


def _telling(text: str) -> Iterator[str]:
    """Yield the pairs that are words, and those of characters that are in no word, such as a name's."""
    pairs = ["".join(pair) for pair in pairwise(text)]
    words = [is_word(pair) for pair in pairs]
    for number, pair in enumerate(pairs):
        if words[number] or not any(words[max(number - 1, 0) : number + 2]):
            yield pair


def _pair(pair: str) -> Clause:
    return {"term": {"search_text.pairs": " ".join(pair)}}


def _marks(word: Word, table: Table, written: frozenset[str]) -> Iterator[Clause]:
    for one in _pairs(word, table, written):
        yield _phrase(one["term"]["search_text.pairs"].replace(" ", "")) if "term" in one else one
