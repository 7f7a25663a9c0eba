"""Dedupe index: which live tickets a message could repeat, and how alike the two are.

Every ticket lies under a few keys: the rarest names of its first message and some of its 3-grams. A key remembers its
first ticket and the newest few, so that a mass incident costs no more than any other. Tickets that share a key are
compared exactly, in `tickets/dedupe/similarity.py`. The requester is a key as well: in a mass incident the newest
tickets are all of others, and still a person's own is found.
"""

from array import array
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import chain
from math import fsum
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from schemas.records import Features
from tickets.dedupe.conflicts import may_be_elsewhere, other_marks, other_places
from tickets.dedupe.similarity import Question, Rarity, Weights, codes
from tickets.dedupe.sketch import Sketch, hashes
from tickets.model.delta import Growing
from tickets.policy import NearPolicy

# What a ticket is found by: where it is, its rarest names, some of its 3-grams and who asks, each as one number.

HEAD_KEYS, TEXT_KEYS, PAPER_KEYS, GRAM_KEYS = 8, 4, 2, 4

_HASH = (1 << 32) - 1
_GRAM = 1 << 32
_CITY = 1 << 33
_PERSON = 1 << 60
"""A key is a hash, above it whether it is a gram's, above that the city, and above all whether it is a person's."""


def keys_of(jurisdiction: str, features: Features, sketch: Sketch, rarity: Rarity) -> tuple[int, ...]:
    """Return the keys of a message.

    Of the head's names those that tell where it is come first: in a text without a title most are just words, and two
    who tell of one thing in their own words may share no other.
    """
    city = int(jurisdiction) * _CITY
    where = sketch.names & (sketch.places | (sketch.whereabouts or frozenset()))
    heads = rarity.rarest(where, HEAD_KEYS)
    heads += rarity.rarest(sketch.names - where, HEAD_KEYS - len(heads))
    texts = rarity.rarest(sketch.text_names, TEXT_KEYS)
    papers = rarity.rarest(sketch.papers, PAPER_KEYS)
    names = dict.fromkeys([city + name for name in (*papers, *heads, *texts)])
    grams = [city + _GRAM + gram for gram in sketch.grams[:GRAM_KEYS]]
    return (*names, *grams, *people_keys(jurisdiction, features))


def people_keys(jurisdiction: str, features: Features) -> list[int]:
    """Return the keys of who asks."""
    city = int(jurisdiction) * _CITY
    return [city + _PERSON + (xxh3_64_intdigest(person.encode()) & _HASH) for person in features.requesters]


def people_in(keys: Iterable[int]) -> Iterator[int]:
    """Yield the keys of who asks."""
    return (key for key in keys if key >= _PERSON)


def worths(keys: Iterable[int], names: Mapping[int, float]) -> Iterator[tuple[int, float]]:
    """Yield what it says to share each key, by what its name is worth; who asks says nothing of the matter."""
    return ((key, 1.0 if key & _GRAM else names[key & _HASH]) for key in keys if key < _PERSON)


MOST_MARKS = 64
"""So many marks, and pairs of characters of places, are kept of one ticket, however long its requester goes on."""

_encode = msgspec.msgpack.Encoder().encode


class Kept(Struct, frozen=True, array_like=True):
    """What is kept of one ticket."""

    sketch: Sketch
    keys: tuple[int, ...]


class Compared(Struct, frozen=True, array_like=True):
    """What a comparison needs of that; the keys are left unread."""

    sketch: Sketch


Orders = int | tuple[int, ...]
"""The tickets of a key: most keys have one, which needs no tuple."""

_decode = msgspec.msgpack.Decoder(Kept).decode
_compared = msgspec.msgpack.Decoder(Compared).decode


class DedupeSnapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The index, or a piece of it, for a checkpoint.

    It has keys, how many tickets each key has, and the tickets, by their order, in a row; and of each city how often
    it had which name, and in how many incidents.
    """

    kept: dict[int, bytes] = {}
    rarities: dict[str, tuple[bytes, int]] = {}
    keys: bytearray = field(default_factory=bytearray)
    sizes: bytearray = field(default_factory=bytearray)
    orders: bytearray = field(default_factory=bytearray)

    def add(self, piece: "DedupeSnapshot") -> None:
        """Add another piece of the same index."""
        self.kept.update(piece.kept)
        self.rarities.update(piece.rarities)
        for mine, more in ((self.keys, piece.keys), (self.sizes, piece.sizes), (self.orders, piece.orders)):
            mine += more


class Found(NamedTuple):
    """A live ticket, by its order, how alike it is, and what speaks for and against, in the order of `SIGNS`."""

    order: int
    score: float
    method: str
    signs: tuple[float, ...]

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return what speaks for and against, as codes."""
        return codes(self.signs)


class Asked(NamedTuple):
    """The last question: a message is first asked about, then often added."""

    features: Features
    question: Question
    keys: tuple[int, ...]
    found: list[Found]


class DedupeIndex:
    """The index of one partition; cities never meet in it. Tickets are named by their order of opening."""

    def __init__(self, policy: NearPolicy) -> None:
        self._policy = policy
        self._weights = Weights(policy)
        self._rarities: defaultdict[str, Rarity] = defaultdict(Rarity)
        self._kept: Growing[int, bytes] = {}
        self._by_key: Growing[int, Orders] = {}
        self._asked: Asked | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, order: int) -> bool:
        return order in self._kept

    def add(self, order: int, jurisdiction: str, features: Features, *, is_news: bool) -> None:
        """Make a new ticket findable by its first message; of an incident only the first one's names are counted."""
        asked, self._asked = self._asked, None
        if asked is not None and asked.features is features:
            sketch, keys = asked.question.sketch, asked.keys
        else:  # a decision that is read again: nobody asks what it is like
            sketch = Sketch.of(features)
            keys = keys_of(jurisdiction, features, sketch, self._rarities[jurisdiction])
        if is_news:
            self._rarities[jurisdiction].count(sketch.names | sketch.text_names | sketch.papers)
        self._kept[order] = _encode(Kept(sketch, keys))
        self._remember(keys, order)

    def remove(self, order: int) -> None:
        """Forget a ticket."""
        self._asked = None
        kept = self._kept.pop(order, None)
        for key in _decode(kept).keys if kept is not None else ():
            there = self._by_key.get(key, ())
            rest = [one for one in ((there,) if isinstance(there, int) else there) if one != order]
            if rest:
                self._by_key[key] = tuple(rest) if len(rest) > 1 else rest[0]
            else:
                self._by_key.pop(key, None)

    def find(self, jurisdiction: str, features: Features) -> list[Found]:
        """Return the tickets that could be about the same, likest first.

        Of equals the one with the most of the same words is first, then the older: of two tickets that a person parted,
        a copy finds its own. Those that no threshold of the policy could reach are left out.
        """
        asked = self._asked
        if asked is None or asked.features is not features:
            rarity = self._rarities[jurisdiction]
            question = Question(Sketch.of(features), rarity, self._policy, self._weights)
            keys = keys_of(jurisdiction, features, question.sketch, rarity)
            asked = self._asked = Asked(features, question, keys, self._compare(question, keys))
        return asked.found

    def own(self, jurisdiction: str, features: Features) -> list[int]:
        """Return a person's first and newest tickets, the newest first, whatever they are about."""
        return sorted(set(self._under(people_keys(jurisdiction, features))), reverse=True)

    def _sketch(self, features: Features) -> Sketch:
        """Return what is compared of a message; that of the last question is not made again."""
        asked = self._asked
        return asked.question.sketch if asked is not None and asked.features is features else Sketch.of(features)

    def note(self, order: int, features: Features) -> None:
        """Let a ticket bear the places and marks of what its requester said again.

        A further message is held against them too.
        """
        packed = self._kept.get(order)
        if packed is None or not (features.doors or features.places):
            return
        kept, said = _decode(packed), self._sketch(features)
        places, marks = kept.sketch.places | said.places, kept.sketch.marks | said.marks
        sketch = replace(kept.sketch, places=places, marks=marks)
        if sketch != kept.sketch and max(len(places), len(marks)) <= MOST_MARKS:
            self._asked = None
            self._kept[order] = _encode(replace(kept, sketch=sketch))

    def has_other_marks(self, features: Features, order: int) -> bool:
        """Return True if a message and a ticket bear different marks of one kind."""
        packed = self._kept.get(order)
        return packed is not None and other_marks(self._sketch(features).marks, _compared(packed).sketch.marks)

    def has_other_places(self, features: Features, order: int) -> bool:
        """Return True if a message and a ticket each name a place that the other does not."""
        packed = self._kept.get(order)
        return packed is not None and other_places(self._sketch(features), _compared(packed).sketch)

    def may_be_elsewhere(self, features: Features, order: int) -> bool:
        """Return True if a message and a ticket share no place; both must have been asked for it."""
        packed = self._kept.get(order)
        return packed is not None and may_be_elsewhere(self._sketch(features), _compared(packed).sketch)

    def names_any(self, words: Iterable[str], order: int) -> bool:
        """Return True if a ticket has one of these words."""
        packed = self._kept.get(order)
        return packed is not None and not _all_words(_compared(packed).sketch).isdisjoint(hashes(words))

    def names_nothing(self, order: int) -> bool:
        """Return True if a ticket names neither a place nor a thing."""
        packed = self._kept.get(order)
        return packed is not None and _compared(packed).sketch.names_nothing

    def shares_nothing(self, features: Features, order: int) -> bool:
        """Return True if a message names places or objects, and the ticket none of them."""
        kept = self._kept.get(order)
        if kept is None:
            return False
        own = self._sketch(features)
        said = own.places | own.objects | own.text_objects
        return bool(said) and _all_words(_decode(kept).sketch).isdisjoint(said | own.names | own.text_names)

    def knows_matter(self, features: Features, order: int) -> bool:
        """Return True if the ticket names every place and object that a message names."""
        return self._knows(order, (*features.places, *features.objects, *features.text_objects))

    def knows_all(self, features: Features, order: int) -> bool:
        """Return True if the ticket has every word that a message has, but for the numbers of its head."""
        said = (*features.names, *features.places, *features.objects, *features.text_names, *features.text_objects)
        return self._knows(order, said)

    def _knows(self, order: int, said: Iterable[str]) -> bool:
        kept = self._kept.get(order)
        return kept is not None and _all_words(_decode(kept).sketch).issuperset(hashes(said))

    def _compare(self, question: Question, keys: tuple[int, ...]) -> list[Found]:
        likely = self._candidates(question, keys)
        found = self._judged(question, likely)
        own = self._judged(question, self._own(question, keys, likely))
        found += [one for one in own if one.score >= self._policy.same_person]
        found.sort(key=lambda one: (-one.score, one.order))
        if len(found) > 1 and found[0].score == found[1].score:
            found.sort(key=lambda one: (-one.score, -self._resemblance(question, one.order), one.order))
        return found

    def _judged(self, question: Question, orders: Iterable[int]) -> list[Found]:
        judged = [(order, question.judge(_compared(self._kept[order]).sketch)) for order in orders]
        return [Found(order, *alike) for order, alike in judged if alike is not None]

    def _own(self, question: Question, keys: tuple[int, ...], likely: Container[int]) -> list[int]:
        """Return the person's own tickets that share as much as a likely one, and are none of these."""
        own = dict.fromkeys(self._under(people_in(keys)))
        return [order for order in own if order not in likely and self._shares(question, keys, order)]

    def _under(self, keys: Iterable[int]) -> Iterator[int]:
        for key in keys:
            there = self._by_key.get(key, ())
            yield from (there,) if isinstance(there, int) else there

    def _shares(self, question: Question, keys: tuple[int, ...], order: int) -> bool:
        common = set(keys).intersection(_decode(self._kept[order]).keys)
        return fsum(worth for _, worth in worths(common, question.worth)) >= self._policy.least_shared

    def _resemblance(self, question: Question, order: int) -> float:
        return question.resemblance(_compared(self._kept[order]).sketch)

    def dump(self) -> DedupeSnapshot:
        """Return all of it, for a checkpoint."""
        return packed(self._kept.items(), self._by_key.items(), self.rarities())

    def rarities(self) -> list[tuple[str, tuple[bytes, int]]]:
        """Return of each city how often it had which name, and in how many incidents, as they stand."""
        counted = [(city, one) for city, one in self._rarities.items() if one.counted]
        return [(city, (one.counts.tobytes(), one.counted)) for city, one in counted]

    @classmethod
    def of(cls, snapshot: DedupeSnapshot, policy: NearPolicy) -> "DedupeIndex":
        """Rebuild the index that `dump` was taken of."""
        near = cls(policy)
        near._kept.update(snapshot.kept)
        for city, (counts, counted) in snapshot.rarities.items():
            near._rarities[city] = Rarity(array("I", counts), counted)
        near._by_key.update(_unpacked(snapshot))
        return near

    def _remember(self, keys: Iterable[int], order: int) -> None:
        by_key, newest, one = self._by_key, self._policy.newest, (order,)
        for key in keys:
            there = by_key.get(key)
            if there is None:
                by_key[key] = order
            elif isinstance(there, int):
                by_key[key] = (there, order)
            else:
                by_key[key] = (there[:1] + there[2:] if len(there) > newest else there) + one

    def _candidates(self, question: Question, keys: Iterable[int]) -> list[int]:
        """Return the tickets that share the most, by what it is worth."""
        shared: defaultdict[int, float] = defaultdict(float)
        by_key = self._by_key
        for key, worth in worths(keys, question.worth):
            there = by_key.get(key)
            if there is None:
                continue
            for order in there if isinstance(there, tuple) else (there,):
                shared[order] += worth
        least = max(self._policy.least_shared, self._policy.of_the_most * max(shared.values(), default=0.0))
        likely = [(-worth, order) for order, worth in shared.items() if worth >= least]
        likely.sort()
        return [order for _, order in likely[: self._policy.max_candidates]]


def _all_words(sketch: Sketch) -> frozenset[int]:
    return sketch.names | sketch.places | sketch.objects | sketch.text_names | sketch.text_objects


def packed(
    kept: Iterable[tuple[int, bytes]],
    by_key: Iterable[tuple[int, Orders]],
    rarities: Iterable[tuple[str, tuple[bytes, int]]],
) -> DedupeSnapshot:
    """Return these entries of an index for a checkpoint."""
    some = dict(by_key)
    there = [(one,) if isinstance(one, int) else one for one in some.values()]
    return DedupeSnapshot(
        kept=dict(kept),
        rarities=dict(rarities),
        keys=bytearray(np.fromiter(some, dtype="<u8", count=len(some))),
        sizes=bytearray(map(len, there)),
        orders=bytearray(np.fromiter(chain.from_iterable(there), dtype="<u4")),
    )


def _unpacked(snapshot: DedupeSnapshot) -> Iterator[tuple[int, Orders]]:
    """Yield each key with its tickets."""
    keys = np.frombuffer(snapshot.keys, dtype="<u8").tolist()
    orders = np.frombuffer(snapshot.orders, dtype="<u4").tolist()
    at = 0
    for key, size in zip(keys, snapshot.sizes, strict=True):
        yield key, orders[at] if size == 1 else tuple(orders[at : at + size])
        at += size
