"""Likeness: how sure it is that two messages are about the same matter, from their hashed words alone."""

from array import array
from collections.abc import Iterable, Mapping
from math import exp, fsum, log

from msgspec import Struct

from schemas.records import Features
from tickets.policy import NearPolicy

GRAMS = 64
"""So many of the smallest 3-gram hashes are compared: enough to estimate what two texts share within a tenth."""

_SLOTS = 1 << 19
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
            names=_numbers((*features.names, *features.numbers)),
            places=_numbers(features.places),
            objects=_numbers(features.objects),
            areas=frozenset(map(_area, features.areas)),
            text_names=_numbers(features.text_names),
            text_objects=_numbers(features.text_objects),
            grams=features.grams[:GRAMS],
        )


class Rarity:
    """How many messages had a name: the more, the less it says. Counts of different names may share a slot."""

    def __init__(self, counts: "array[int] | None" = None, counted: int = 0) -> None:
        self.counts = counts if counts is not None else array("I", bytes(4 * _SLOTS))
        self.counted = counted

    def count(self, names: Iterable[int]) -> None:
        """Count the names of one more message."""
        self.counted += 1
        for name in names:
            self.counts[name % _SLOTS] += 1

    @property
    def whole(self) -> float:
        """Return what a name that everybody has weighs nothing against."""
        return log(self.counted + _PRIOR)

    def seen(self, name: int) -> int:
        """Return how many messages had this name."""
        return self.counts[name % _SLOTS]

    def weight(self, names: Iterable[int]) -> float:
        """Return what these names say together, 1 for each that was never seen; the same whatever their order."""
        counts, whole = self.counts, self.whole
        return fsum([1 - log(counts[name % _SLOTS] + 1) / whole for name in names])


class Likeness(Struct, frozen=True):
    """A score from 0 to 1, by which test, and the signs for and against it; no words."""

    score: float
    method: str
    evidence: tuple[str, ...]


def signs(one: Sketch, other: Sketch, rarity: Rarity) -> dict[str, float]:
    """Return what speaks for and against, by the names of the weights."""
    weight = rarity.weight
    ours, theirs = one.names | one.text_names, other.names | other.text_names
    heads = one.names & other.names
    across = ((one.names & theirs) | (other.names & ours)) - heads
    shared = weight(heads)
    least = min(weight(one.names), weight(other.names))
    objects = one.objects & other.objects
    objects_across = ((one.objects & other.text_objects) | (other.objects & one.text_objects)) - objects
    return {
        "names": min(shared, 4.0),
        "names_share": shared / max(1.0, least),
        "names_across": min(weight(across), 4.0),
        "names_in_texts": min(weight((one.text_names & other.text_names) - heads - across), 6.0),
        "unshared": min(weight(one.names - theirs), weight(other.names - ours)),
        "objects": min(len(objects), 2),
        "objects_across": min(len(objects_across), 2),
        "objects_unshared": min(
            len(one.objects - other.objects - other.text_objects), len(other.objects - one.objects - one.text_objects)
        ),
        "other_matter": float(bool(one.objects and other.objects) and not objects),
        "copied": copied(one.grams, other.grams),
        "other_area": _other_area(one.areas, other.areas),
        "other_place": float(
            bool(one.places and other.places) and one.places.isdisjoint(theirs) and other.places.isdisjoint(ours)
        ),
        "no_name": float(not heads and not across),
    }


def compare(one: Sketch, other: Sketch, rarity: Rarity, policy: NearPolicy) -> Likeness:
    """Return how alike two messages are: by name and matter, or as one text copied from the other."""
    found = signs(one, other, rarity)
    weights = policy.weights
    odds = weights["bias"] + sum(weights[name] * value for name, value in found.items())
    matter = 1 / (1 + exp(-odds))
    copy = 0.0 if _is_contradicted(found, policy) else found["copied"]
    score, method = (copy, "copied_text") if copy > matter else (matter, "same_names_and_matter")
    evidence = tuple(f"{name}:{value:.2f}" for name, value in found.items() if value)
    return Likeness(round(score, 3), method, evidence)


def _is_contradicted(found: Mapping[str, float], policy: NearPolicy) -> bool:
    """Say whether names or objects speak against a copy: the more was copied, the more names may differ."""
    beyond = (found["copied"] - policy.copy_share) / (1 - policy.copy_share)
    if beyond < 0 or found["other_area"] or found["other_place"] or found["objects_unshared"]:
        return True
    return found["unshared"] > policy.max_unshared + beyond * (policy.max_unshared_whole - policy.max_unshared)


def copied(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Estimate how much of the shorter text stands in the other, from the smallest hashes of each (sorted)."""
    if not one or not other:
        return 0.0
    end = min(gram[-1] if len(gram) == GRAMS else 1 << 32 for gram in (one, other))
    ours, theirs = ({gram for gram in grams if gram <= end} for grams in (one, other))
    least = min(len(ours), len(theirs))
    return len(ours & theirs) / least if least else 0.0


def _other_area(ours: frozenset[int], theirs: frozenset[int]) -> float:
    """Say whether each names a city, or a district, that the other does not: 1 or 0."""
    left, right = ({area % 2 for area in areas} for areas in (ours - theirs, theirs - ours))
    return float(not left.isdisjoint(right))


def _area(text: str) -> int:
    level, _, name = text.partition("-")
    return int(name, 16) * 2 + _LEVELS.get(level, 1)


def _numbers(words: Iterable[str]) -> frozenset[int]:
    return frozenset([int(word, 16) for word in words])
