"""Characters and pairs of them (n-grams) as numbers: counted in sentences, and weighed for a whole text at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A dict asked for each took four times as long on a letter of 360 characters, a sorted array three times.

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]

MOVED = np.uint64(18)
"""A feature's key is its first character, moved by so many bits (the most that one has), and its second."""

BEFORE, AFTER, END = (np.uint64(ord(one)) for one in "^$\ue001")
"""Stand before a sentence's first letter, behind its last, and between two sentences."""

_FEATURE = np.uint64(36)
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_MOST_MOVES = 100
_TRUE = np.ones(1, bool)


class Counts(NamedTuple):
    """The features of some sentences in the order of their keys, and how many sentences have each."""

    keys: Keys
    numbers: Numbers

    def of(self, keys: Keys) -> Numbers:
        """Return how many sentences have each of these."""
        if not self.keys.size:
            return np.zeros(keys.shape, np.int64)
        at = np.minimum(self.keys.searchsorted(keys), self.keys.size - 1)
        return np.where(self.keys[at] == keys, self.numbers[at], 0)


def letters_of(said: str) -> Keys:
    """Return the characters of a text by their numbers."""
    return np.frombuffer(said.encode("utf-32-le"), np.uint32).astype(np.uint64)


def features(said: Sequence[str]) -> tuple[Keys, Keys]:
    """Return the keys of sentences' letters and of each with its neighbours, and the number of the sentence of each."""
    end = chr(int(END))
    letters = letters_of(end.join(said) + end)
    is_end = letters == END
    sentence = is_end.cumsum().astype(np.uint64)
    at = np.flatnonzero(~is_end)
    first = at[np.concatenate((np.ones(1, bool), is_end[:-1]))[at]]
    moved, following = letters[at] << MOVED, np.where(is_end, AFTER, letters)[at + 1]
    keys = np.concatenate((moved, moved | following, letters[first] | BEFORE << MOVED))
    return keys, np.concatenate((sentence[at], sentence[at], sentence[first]))


def features_of_one(said: str) -> Keys:
    """Return the keys of one sentence as `features` does, in no order and with less ado."""
    if chr(int(END)) in said:
        return features([said])[0]
    letters = letters_of(said)
    if not letters.size:
        return letters
    moved = letters << MOVED
    return np.concatenate((moved, moved[:-1] | letters[1:], moved[-1:] | AFTER, letters[:1] | BEFORE << MOVED))


def counts(said: Sequence[str]) -> Counts:
    """Count the features of some sentences, each once a sentence."""
    keys, sentence = features(said)
    once = distinct(keys | sentence << _FEATURE)
    return Counts(*np.unique(once & np.uint64((1 << int(_FEATURE)) - 1), return_counts=True))


def distinct(keys: Keys) -> Keys:
    """Return each key once, in order; numpy's own way, which hashes them, took ten times as long."""
    ordered = keys.copy()
    ordered.sort()
    return ordered[np.concatenate((_TRUE, ordered[1:] != ordered[:-1]))] if keys.size else ordered


class HashTable:
    """The weights of features, many asked at once: two places for each (cuckoo hashing).

    A weight lies beside its key: to fetch them from memory takes the time, and so one is fetched with the other.
    """

    def __init__(self, keys: Keys, weights: Floats) -> None:
        bits = (2 * keys.size).bit_length()
        while (known := _housed(keys, bits)) is None:
            bits += 1
        sides = np.stack((known, np.zeros_like(known)), axis=-1)
        for side, pairs in enumerate(sides):
            places = _places(keys, side, bits)
            here = pairs[places, 0] == keys
            pairs[places[here], 1] = weights[here].view(np.uint64)
        self._pairs, self._shift = sides.reshape(-1, 2), np.uint64(64 - bits)
        self._begins = np.array([[0], [1 << bits]], np.uint64)

    def of(self, keys: Keys) -> Floats:
        """Return the weight of each key; nothing for one that no sentence has. Both sides are asked at once."""
        places = (keys * _ODD[:, None] >> self._shift) + self._begins
        pairs = self._pairs.take(places.view(np.int64), axis=0)
        found = np.where(pairs[:, :, 0] == keys, pairs[:, :, 1].view(np.float64), 0.0)
        weights: Floats = found[0] + found[1]
        return weights


def _housed(keys: Keys, bits: int) -> Keys | None:
    """Return both sides of a table with every key in one of its two places; None when that would take too long."""
    known = np.zeros((2, 1 << bits), np.uint64)
    for moves in range(_MOST_MOVES):
        if not keys.size:
            return known
        side = known[moves % 2]
        places = _places(keys, moves % 2, bits)
        moved = distinct(side[places])
        side[places] = keys
        keys = np.concatenate((moved[moved != 0], keys[side[places] != keys]))
    return None


def _places(keys: Keys, side: int, bits: int) -> Keys:
    """Return the place of each key on a side of a table of so many bits (Knuth, multiplicative hashing)."""
    places: Keys = keys * _ODD[side] >> np.uint64(64 - bits)
    return places
