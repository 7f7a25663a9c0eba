"""Weights of characters and of pairs of them, for a whole text at once.

A dict asked for each took four times as long on a letter of 360 characters, a sorted array three times.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

MOVED = np.uint64(32)
"""A feature's key is its first character, moved by so many bits, and its second."""

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_MOST_MOVES = 100


def key(feature: str) -> np.uint64:
    """Return the key of one character or of two."""
    first = np.uint64(ord(feature[0])) << MOVED
    return first | np.uint64(ord(feature[1])) if len(feature) > 1 else first


class Weights:
    """Weights of features by their keys, many asked at once: a hash table with two places for each (cuckoo hashing)."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        keys, values = np.array([*map(key, weights)], np.uint64), np.array([*weights.values()])
        bits = (2 * len(keys)).bit_length()
        while (known := _housed(keys, bits)) is None:
            bits += 1
        self._bits, self._known, self._weights = bits, known, np.zeros(known.shape)
        for side, weigh in enumerate(self._weights):
            places = _places(keys, side, bits)
            here = known[side, places] == keys
            weigh[places[here]] = values[here]

    def of(self, keys: Keys) -> Floats:
        """Return the weight of each key; nothing for one that no sentence has."""
        first, second = _places(keys, 0, self._bits), _places(keys, 1, self._bits)
        weights = np.where(self._known[0, first] == keys, self._weights[0, first], 0.0)
        return weights + np.where(self._known[1, second] == keys, self._weights[1, second], 0.0)


def _housed(keys: Keys, bits: int) -> Keys | None:
    """Return both sides of a table with every key in one of its two places; None when that would take too long."""
    known = np.zeros((2, 1 << bits), np.uint64)
    for moves in range(_MOST_MOVES):
        if not keys.size:
            return known
        side = known[moves % 2]
        places = _places(keys, moves % 2, bits)
        moved = np.unique(side[places])
        side[places] = keys
        keys = np.concatenate((moved[moved != 0], keys[side[places] != keys]))
    return None


def _places(keys: Keys, side: int, bits: int) -> Keys:
    """Return the place of each key on a side of a table of so many bits (Knuth, multiplicative hashing)."""
    places: Keys = keys * _ODD[side] >> np.uint64(64 - bits)
    return places
