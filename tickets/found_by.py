"""What a ticket is found by: where it is, its rarest names, some of its 3-grams and who asks, each as one number."""

from collections.abc import Iterable, Iterator, Mapping

from xxhash import xxh3_64_intdigest

from schemas.records import Features
from tickets.likeness import Rarity
from tickets.sketch import Sketch

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
