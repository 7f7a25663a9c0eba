"""Fits the weights of text classifiers offline: `python -m normalizers.training` writes `rules/weights.npz` anew.

Run it after a change of the sentences (`rules/*heard.tsv`, `rules/ordinary.tsv`), of what chooses among them
(`rules/acceptance.toml`), or of how they are read and fitted. Without it the program gives the same answers, but each
process fits the changed ones at its start, in up to half a second; a test fails.
"""

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normalizers.rulebooks import RULEBOOKS
from normalizers.rules import Rules
from normalizers.text import weights


def fitted_anew() -> dict[str, NDArray[Any]]:
    """Return the arrays of each fit that the program's own rules ask for, fitted from their sentences."""
    rules, arrays = Rules(), dict[str, NDArray[Any]]()  # without compiled parts: it requests all its fits
    with weights.recorded() as fits:
        for part in chain.from_iterable(RULEBOOKS.values()):
            if any(file.endswith(".tsv") for file in part.files):  # those of sentences
                part(rules)
    for name, one in sorted(fits.items()):
        arrays |= weights.written(name, one)
    return arrays


def main() -> None:
    """Write the file."""
    np.savez_compressed(Path(str(weights.FILE)), **fitted_anew())  # type: ignore[arg-type] # numpy's stub takes the names for its own options


if __name__ == "__main__":
    main()
