"""Likeness: how sure it is that two messages are about the same matter, from their hashed words alone."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from math import exp, fsum, log

from msgspec import Struct

from schemas.records import Features
from tickets.policy import NearPolicy

METHODS = COPIED, NAMED = ("copied_text", "same_names_and_matter")
"""Both find texts that differ: whatever the later one says is new."""

GRAMS = 64
_END = 1 << 32
"""So many of the smallest 3-gram hashes are compared: enough to estimate what two texts share within a tenth."""

NAMES = 32
"""So many names of a head are kept: more have only heads without any punctuation."""

_SLOTS = (1 << 19) - 1
_PRIOR = 1_000
"""Messages that a city is taken to have heard before its first one: a name seen twice is rare from the start."""

_LEVELS = {"city": 0, "district": 1}


class Sketch(Struct, frozen=True, kw_only=True, array_like=True):
    """The words of a message as numbers; `names` has the numbers of its head as well."""

    names: frozenset[int]
    places: frozenset[int]
    objects: frozenset[int]
    areas: frozenset[int]
    text_names: frozenset[int]
    text_objects: frozenset[int]
    grams: tuple[int, ...]

    @classmethod
    def of(cls, features: Features) -> "Sketch":
        """Take from the features what is compared."""
        return cls(
            names=_numbers((*features.numbers, *features.names)[:NAMES]),
            places=_numbers(features.places[:NAMES]),
            objects=_numbers(features.objects),
            areas=frozenset(map(_area, features.areas)),
            text_names=_numbers(features.text_names[:NAMES]),
            text_objects=_numbers(features.text_objects),
            grams=features.grams[:GRAMS],
        )


class Rarity:
    """How many incidents had a name: the more, the less it says. Counts of different names may share a slot."""

    def __init__(self, counts: "array[int] | None" = None, counted: int = 0) -> None:
        self.counts = counts if counts is not None else array("I", bytes(4 * (_SLOTS + 1)))
        self.counted = counted

    def count(self, names: Iterable[int]) -> None:
        """Count the names of one more incident."""
        self.counted += 1
        for name in names:
            self.counts[name & _SLOTS] += 1

    def rarest(self, names: Iterable[int], limit: int) -> list[int]:
        """Return the rarest of these names."""
        counts = self.counts
        return [name for _, name in sorted([(counts[name & _SLOTS], name) for name in names])[:limit]]

    def worth(self, names: Iterable[int]) -> dict[int, float]:
        """Return what each name says: 1 when it was never seen, 0 when everybody has it."""
        counts, whole = self.counts, log(self.counted + _PRIOR)
        return {name: 1 - log(counts[name & _SLOTS] + 1) / whole for name in names}


class Likeness(Struct, frozen=True):
    """A score from 0 to 1, by which test, and the signs for and against it; no words."""

    score: float
    method: str
    signs: Mapping[str, float]

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the signs that are there, as codes."""
        return tuple(f"{name}:{value:.2f}" for name, value in self.signs.items() if value)


class Question:
    """One message, asked about many others: what its own names are worth is looked up once."""

    def __init__(self, sketch: Sketch, rarity: Rarity) -> None:
        self.sketch = sketch
        self.all_names = sketch.names | sketch.text_names
        self.worth = rarity.worth(self.all_names)
        self._rarity = rarity
        self._grams = frozenset(sketch.grams)
        self._weight = self._weigh(sketch.names)

    def compare(self, other: Sketch, policy: NearPolicy) -> Likeness:
        """Return how alike two messages are: by name and matter, or as one text copied from the other."""
        found = self.signs(other)
        weights = policy.weights
        odds = weights["bias"] + fsum([weights[name] * value for name, value in found.items() if value])
        matter = 1 / (1 + exp(-odds))
        copy = 0.0 if _is_contradicted(found, policy) else found["copied"]
        score, method = (copy, COPIED) if copy > matter else (matter, NAMED)
        return Likeness(round(score, 3), method, found)

    def signs(self, other: Sketch) -> dict[str, float]:
        """Return what speaks for and against, by the names of the weights."""
        one, ours = self.sketch, self.all_names
        theirs, unshared = other.names | other.text_names, other.names - ours
        heads = one.names & other.names
        across = ((one.names & theirs) | (other.names & ours)) - heads
        in_texts = (one.text_names & other.text_names) - across - heads
        shared, alone = self._weigh(heads), fsum(self._rarity.worth(unshared).values())
        least = min(self._weight, self._weigh(other.names & ours) + alone)
        return {
            "names": min(shared, 4.0),
            "names_share": shared / max(1.0, least),
            "names_across": min(self._weigh(across), 4.0),
            "names_in_texts": min(self._weigh(in_texts), 6.0),
            "unshared": min(self._weigh(one.names - theirs), alone),
            **_of_objects(one, other),
            "copied": self._copied(other.grams),
            "other_area": _other_area(one.areas, other.areas),
            "other_place": float(
                bool(one.places and other.places) and one.places.isdisjoint(theirs) and other.places.isdisjoint(ours)
            ),
            "no_name": float(not heads and not across),
        }

    def _weigh(self, names: Iterable[int]) -> float:
        return fsum([self.worth[name] for name in names])  # the same whatever their order

    def _copied(self, theirs: tuple[int, ...]) -> float:
        """Estimate how much of the shorter text stands in the other, from the smallest hashes of each."""
        ours = self.sketch.grams
        if not ours or not theirs:
            return 0.0
        end = min(grams[-1] if len(grams) == GRAMS else _END for grams in (ours, theirs))
        least = min(bisect_right(ours, end), bisect_right(theirs, end))
        return len(self._grams.intersection(theirs)) / least if least else 0.0


def _of_objects(one: Sketch, other: Sketch) -> dict[str, float]:
    shared = one.objects & other.objects
    across = ((one.objects & other.text_objects) | (other.objects & one.text_objects)) - shared
    lacking = (one.objects - other.objects - other.text_objects, other.objects - one.objects - one.text_objects)
    return {
        "objects": min(len(shared), 2),
        "objects_across": min(len(across), 2),
        "objects_unshared": min(map(len, lacking)),
        "other_matter": float(bool(one.objects and other.objects) and not shared),
    }


def _is_contradicted(found: Mapping[str, float], policy: NearPolicy) -> bool:
    """Say whether names or objects speak against a copy: the more was copied, the more names may differ."""
    beyond = (found["copied"] - policy.copy_share) / (1 - policy.copy_share)
    if beyond < 0 or found["other_area"] or found["other_place"] or found["objects_unshared"]:
        return True
    return found["unshared"] > policy.max_unshared + beyond * (policy.max_unshared_whole - policy.max_unshared)


def _other_area(ours: frozenset[int], theirs: frozenset[int]) -> float:
    """Say whether each names a city, or a district, that the other does not: 1 or 0."""
    left, right = ({area % 2 for area in areas} for areas in (ours - theirs, theirs - ours))
    return float(not left.isdisjoint(right))


def _area(text: str) -> int:
    level, _, name = text.partition("-")
    return int(name, 16) * 2 + _LEVELS.get(level, 1)


def _numbers(words: Iterable[str]) -> frozenset[int]:
    return frozenset([int(word, 16) for word in words])
