"""Sketch: what is compared of a message, as numbers; a ticket is remembered by it."""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from normalizers.similarity.stated_identity import NO_NAMES
from schemas.records import Features

GRAMS = 64
"""So many of the smallest 3-gram hashes are compared: enough to estimate what two texts share within a tenth."""

NAMES = 32
"""So many names of a head are kept: more have only heads without any punctuation."""

KIND = 32
"""Bits of a mark that tell which one of its kind; the kind stands above them."""

_LEVELS = {"city": 0, "district": 1}


class Sketch(Struct, frozen=True, kw_only=True, array_like=True):
    """The words of a message as numbers; `names` has the numbers of its head as well."""

    names: frozenset[int]
    places: frozenset[int]
    objects: frozenset[int]
    areas: frozenset[int]
    marks: frozenset[int]
    papers: frozenset[int]
    text_names: frozenset[int]
    text_objects: frozenset[int]
    grams: tuple[int, ...]
    untitled: bool = False
    aspects: frozenset[int] = frozenset()
    whereabouts: frozenset[int] | None = None
    opening: int | None = None
    told: frozenset[int] = frozenset()
    states_name: bool = False
    """Whether the text says what its writer is called."""

    @property
    def all_objects(self) -> frozenset[int]:
        """Return the objects of the head and of the text behind it."""
        return self.objects | self.text_objects

    @property
    def words(self) -> frozenset[int]:
        """Return all names and objects."""
        return self.names | self.text_names | self.all_objects

    @property
    def names_nothing(self) -> bool:
        """Return True if it names neither a place nor a thing: 还没解决 can be said of any matter."""
        return not (self.places or self.all_objects or self.papers or self.whereabouts)

    @classmethod
    def of(cls, features: Features) -> "Sketch":
        """Take from the features what is compared."""
        return cls(
            names=hashes((*features.numbers, *features.names)[:NAMES]),
            places=hashes(features.places[:NAMES]),
            objects=hashes(features.objects),
            areas=frozenset(map(_area, features.areas)),
            marks=frozenset(map(_mark, features.doors)),
            papers=hashes(features.papers[:NAMES]),
            text_names=hashes(features.text_names[:NAMES]),
            text_objects=hashes(features.text_objects),
            grams=features.grams[:GRAMS],
            untitled=features.untitled is True,
            aspects=hashes(features.aspects),
            whereabouts=hashes(features.whereabouts[:NAMES]) if features.whereabouts is not UNSET else None,
            opening=int(features.opening, 16) if features.opening is not UNSET else None,
            told=hashes(features.told),
            states_name=not all(one.startswith(NO_NAMES) for one in features.stated),
        )


def _mark(text: str) -> int:
    kind, _, which = text.partition("-")
    return int(kind, 16) << KIND | int(which, 16)


def _area(text: str) -> int:
    level, _, name = text.partition("-")
    return int(name, 16) * 2 + _LEVELS.get(level, 1)


def hashes(words: Iterable[str]) -> frozenset[int]:
    """Return hashed words as the numbers that a sketch holds."""
    return frozenset([int(word, 16) for word in words])
