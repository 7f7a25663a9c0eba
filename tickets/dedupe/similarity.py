"""Likeness: how sure it is that two messages are about the same matter, from their hashed words alone."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from math import exp, fsum, inf, log
from operator import mul

from tickets.dedupe.conflicts import (
    are_others,
    go_on_otherwise,
    is_filled_in,
    may_be_elsewhere,
    other_area,
    stand_apart,
    stand_elsewhere,
)
from tickets.dedupe.sketch import GRAMS, Sketch
from tickets.policy import SIGNS, YOUNGER_SIGNS, NearPolicy

METHODS = COPIED, NAMED = ("copied_text", "same_names_and_matter")
"""Both find texts that differ: whatever the later one says is new."""

_END = 1 << 32
_SLOTS = (1 << 19) - 1
_PRIOR = 1_000
"""Messages that a city is taken to have heard before its first one: a name seen twice is rare from the start."""


class Rarity:
    """How many incidents of a city had a name: the more, the less it says. Different names may share a slot."""

    def __init__(self, counts: "array[int] | None" = None, counted: int = 0) -> None:
        self.counts = counts if counts is not None else array("I", bytes(4 * (_SLOTS + 1)))
        self.counted = counted
        self._logs = array("d", [log(count + 1) for count in range(max(counts or (0,)) + 1)])

    def count(self, names: Iterable[int]) -> None:
        """Count the names of one more incident."""
        self.counted += 1
        counts, logs = self.counts, self._logs
        for name in names:
            slot = name & _SLOTS
            counts[slot] = count = counts[slot] + 1
            if count == len(logs):
                logs.append(log(count + 1))

    def rarest(self, names: Iterable[int], limit: int) -> list[int]:
        """Return the rarest of these names."""
        counts = self.counts
        return [name for _, name in sorted([(counts[name & _SLOTS], name) for name in names])[:limit]]

    def worth(self, names: Iterable[int]) -> dict[int, float]:
        """Return what each name says: 1 when it was never seen, 0 when everybody has it."""
        counts, logs, whole = self.counts, self._logs, log(self.counted + _PRIOR)
        return {name: 1 - logs[counts[name & _SLOTS]] / whole for name in names}

    def weigh(self, names: Iterable[int]) -> float:
        """Return what these names say together; the sum is exact, so the same in any order."""
        counts, logs, whole = self.counts, self._logs, log(self.counted + _PRIOR)
        return fsum([1 - logs[counts[name & _SLOTS]] / whole for name in names])


_MOST = {"other_matter": 1.0, "other_area": 1.0, "other_place": 1.0, "no_name": 1.0}
"""How large a sign that `Question._is_hopeless` does not count can be; the others have no bound."""

_COUNTED = (
    "names", "names_share", "names_across", "names_in_texts", "objects", "objects_across", "copied", "papers", "agreed",
)  # fmt: skip
"""The signs whose bound `Question._is_hopeless` counts, in its order."""

_ROUNDED = 0.001


class Weights:
    """The weights of a policy, and what the counted signs must come to before a comparison can matter."""

    def __init__(self, policy: NearPolicy) -> None:
        weights = {**YOUNGER_SIGNS, **policy.weights}
        self.bias = weights["bias"]
        self.of_signs = tuple([weights[name] for name in SIGNS])
        self.of_counted = tuple([max(weights[name], 0.0) for name in _COUNTED])
        others = [name for name in SIGNS if name not in _COUNTED and weights[name] > 0]
        self.least = min(policy.propose, policy.link) - _ROUNDED
        self.least_odds = _odds(self.least) - self.bias - sum(_MOST.get(name, inf) * weights[name] for name in others)


def _odds(score: float) -> float:
    return -inf if score <= 0 else inf if score >= 1 else log(score / (1 - score))


class Question:
    """One message, asked about many others: what its own names are worth is looked up once."""

    def __init__(self, sketch: Sketch, rarity: Rarity, policy: NearPolicy, weights: Weights) -> None:
        self.sketch = sketch
        self.all_names = sketch.names | sketch.text_names
        self.worth = rarity.worth(self.all_names | sketch.papers)
        self._worth_of = self.worth.__getitem__
        self._rarity = rarity
        self._policy = policy
        self._weights = weights
        self._grams = frozenset(sketch.grams)
        self._weight = self._weigh(sketch.names)

    def judge(self, other: Sketch) -> tuple[float, str, tuple[float, ...]] | None:
        """Compare, unless that is hopeless; return the signs as well, in the order of `SIGNS`."""
        copied = self._copied(other.grams)
        if self._is_hopeless(other, copied):
            return None
        signs = self._signs(other, copied)
        return (*self._judged(other, signs), signs)

    def compare(self, other: Sketch) -> tuple[float, str]:
        """Return how alike two messages are, 0 to 1, and whether by name and matter or as a copied text."""
        return self._judged(other, self._signs(other, self._copied(other.grams)))

    def resemblance(self, other: Sketch) -> float:
        """Return how much of the 3-grams of both together each of them has: 1 of the same text only."""
        return len(self._grams.intersection(other.grams)) / max(1, len(self._grams.union(other.grams)))

    def _judged(self, other: Sketch, signs: tuple[float, ...]) -> tuple[float, str]:
        odds = self._weights.bias + fsum(map(mul, self._weights.of_signs, signs))
        matter, copied = 1 / (1 + exp(-odds)), signs[_COPIED]
        is_other = (
            are_others(self.sketch, other, self._policy)
            or go_on_otherwise(self.sketch, other, copied, self._policy)
            or (copied >= self._policy.copy_share and is_filled_in(self.sketch, other, self._policy))
            or (copied >= self._policy.retold_share and stand_elsewhere(self.sketch, other))
        )
        most = self._policy.contradicted if is_other else 1.0
        if copied > matter and not _is_contradicted(signs, self._policy):
            return round(min(copied, most), 3), COPIED
        return round(min(matter, most), 3), NAMED

    def _is_hopeless(self, other: Sketch, copied: float) -> bool:
        """Return True if the score stays below every threshold even if whatever is shared were unheard of.

        Most of those that share a key are; to see it costs a third of the exact comparison.
        """
        one, weights = self.sketch, self._weights
        if copied >= weights.least:
            return False
        heads = len(one.names & other.names)
        across = len(one.names & other.text_names) + len(one.text_names & other.names)
        in_texts = len(one.text_names & other.text_names)
        objects = len(one.objects & other.objects)
        objects_across = len(one.objects & other.text_objects) + len(one.text_objects & other.objects)
        most = (
            min(heads, 4), 1.0 if heads else 0.0, min(across, 4), min(in_texts, 6),
            min(objects, 2), min(objects_across, 2), copied, 0.0 if one.papers.isdisjoint(other.papers) else 1.0,
            0.0 if one.aspects.isdisjoint(other.aspects) else 1.0,
        )  # fmt: skip
        odds = fsum(map(mul, weights.of_counted, most))
        return odds < weights.least_odds

    def _signs(self, other: Sketch, copied: float) -> tuple[float, ...]:
        """Return what speaks for and against, in the order of `SIGNS`."""
        one, ours = self.sketch, self.all_names
        theirs, papers = other.names | other.text_names, one.papers & other.papers
        heads = (one.names & other.names) - papers
        across = ((one.names & theirs) | (other.names & ours)) - heads - papers
        in_texts = (one.text_names & other.text_names) - across - heads - papers
        mine, yours = _telling(one, other, copied, self._policy)
        are_all = mine is one.names
        shared, weight = self._weigh(heads), self._weight if are_all else self._weigh(mine)
        unshared = yours - ours
        alone = self._rarity.weigh(unshared) if unshared else 0.0
        places, objects = one.places and other.places, _of_objects(one, other)
        return (
            min(shared, 4.0),
            (shared if are_all else self._weigh(heads & mine))
            / max(1.0, min(weight, self._weigh(yours & ours) + alone)),
            min(self._weigh(across), 4.0),
            min(self._weigh(in_texts), 6.0),
            min(self._weigh(mine - theirs), alone),
            *objects,
            copied,
            other_area(one.areas, other.areas),
            1.0 if places and one.places.isdisjoint(theirs) and other.places.isdisjoint(ours) else 0.0,
            0.0 if heads or across or papers else 1.0,
            max(map(self._worth_of, papers), default=0.0),
            1.0 if any(objects[:2]) and _agree(one, other) else 0.0,
        )

    def _weigh(self, names: frozenset[int]) -> float:
        return fsum(map(self._worth_of, names)) if names else 0.0  # exact, so the same in any order

    def _copied(self, theirs: tuple[int, ...]) -> float:
        """Estimate how much of the shorter text stands in the other, from the smallest hashes of each.

        What is very short is soon the same: two people who only say that there is no water copied nothing.
        """
        ours = self.sketch.grams
        if not ours or not theirs:
            return 0.0
        end = min(grams[-1] if len(grams) == GRAMS else _END for grams in (ours, theirs))
        least = min(bisect_right(ours, end), bisect_right(theirs, end))
        said = min(1.0, min(len(ours), len(theirs)) / self._policy.copy_grams)
        return said * len(self._grams.intersection(theirs)) / least if least else 0.0


def codes(signs: tuple[float, ...]) -> tuple[str, ...]:
    """Return the signs that are there, as codes."""
    return tuple([f"{name}:{value:.2f}" for name, value in zip(SIGNS, signs, strict=True) if value])


_UNSHARED, _OBJECTS_UNSHARED, _COPIED, _OTHER_AREA, _OTHER_PLACE = map(
    SIGNS.index, ("unshared", "objects_unshared", "copied", "other_area", "other_place")
)


def _of_objects(one: Sketch, other: Sketch) -> tuple[float, float, float, float]:
    ours, theirs = one.objects, other.objects
    shared = ours & theirs
    across = ((ours & other.text_objects) | (theirs & one.text_objects)) - shared
    unshared = min(len(ours - theirs - other.text_objects), len(theirs - ours - one.text_objects))
    return min(len(shared), 2), min(len(across), 2), unshared, 1.0 if ours and theirs and not shared else 0.0


def _agree(one: Sketch, other: Sketch) -> bool:
    """Return True if two short texts without a title report the same event at one place, in whatever words.

    One road is long: who each name a place on it that the other does not (文化宫那一段, 火车站那段) agree in nothing.
    """
    if one.aspects.isdisjoint(other.aspects) or one.whereabouts is None or other.whereabouts is None:
        return False
    return not may_be_elsewhere(one, other) and not stand_apart(one, other)


def _telling(one: Sketch, other: Sketch, copied: float, policy: NearPolicy) -> tuple[frozenset[int], frozenset[int]]:
    """Return the names of each head by which it is asked how much of them the other shares.

    All, but of two texts without a title, one of them short, of which next to nothing stands in the other: there each
    has words of its own also where one incident is told twice, so if they share a name that tells where it is, only
    such names say anything.
    """
    shorter = min(len(one.grams), len(other.grams))
    if not (one.untitled and other.untitled and shorter < GRAMS):
        return one.names, other.names
    where = (one.whereabouts or frozenset()) | (other.whereabouts or frozenset())
    is_anew = copied < policy.anew_share * min(1.0, shorter / policy.copy_grams)
    mine, yours = one.names & where, other.names & where
    return (mine, yours) if is_anew and not mine.isdisjoint(yours) else (one.names, other.names)


def _is_contradicted(signs: tuple[float, ...], policy: NearPolicy) -> bool:
    """Return True if names or objects speak against a copy: the more was copied, the more names may differ."""
    beyond = (signs[_COPIED] - policy.copy_share) / (1 - policy.copy_share)
    if beyond < 0 or signs[_OTHER_AREA] or signs[_OTHER_PLACE] or signs[_OBJECTS_UNSHARED]:
        return True
    return signs[_UNSHARED] > policy.max_unshared + beyond * (policy.max_unshared_whole - policy.max_unshared)
