"""Learn how a city writes addresses from labelled ones: a linear-chain CRF, measured on held-out addresses."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hotline.quality.learn.addresses import Address
from normalizers.enrich.address import crf
from normalizers.enrich.address.crf import Labelled
from normalizers.text import model_files
from schemas.errors import MisconfiguredError

LEAST = 100
"""Addresses that are needed: fewer teach nothing that the rules do not know."""

HELD_OUT = 5
"""One address of so many is held out of a first model, which is measured on them; the second learns from all."""

_SETTINGS = {"c1": 0.05, "c2": 0.05, "max_iterations": 60}
"""L1 and L2 regularisation, and steps of L-BFGS: chosen on the development part of a public set of addresses."""


def learn(rows: Iterable[Address], folder: Path) -> Path:
    """Train on labelled addresses, write the model and its card into `folder`, and return the model's path.

    The scores on the card are those of a model that has not seen the addresses it was asked. Raises MisconfiguredError
    for too few addresses.
    """
    kept = list({row.text: row for row in rows}.values())
    if len(kept) < LEAST:
        raise MisconfiguredError(f"Too few addresses to learn from: give at least {LEAST} different ones.")
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".place.crfsuite"
    asked = [row for row in kept if _is_held_out(row)]
    _train([row for row in kept if not _is_held_out(row)], draft)
    scores = _scores(asked, draft)
    _train(kept, draft)
    card = {
        "labels": dict(sorted(Counter(span.label for row in kept for span in row.spans).items())),
        "rows": len(kept),
        "data_sha256": hashlib.sha256("\n".join(sorted(map(repr, kept))).encode()).hexdigest(),
        "features": crf.FEATURES,
        "held_out": len(asked),
        "f1": scores,
        "made_with": f"python-crfsuite {version('python-crfsuite')}",
    }
    return model_files.keep(draft, "place", card)


def _is_held_out(row: Address) -> bool:
    """Decide by the address itself, so that another order or a repeat changes nothing."""
    return hashlib.sha256(row.text.encode()).digest()[0] % HELD_OUT == 0


def _train(rows: Sequence[Address], path: Path) -> None:
    from pycrfsuite import Trainer

    trainer: Any = Trainer(algorithm="lbfgs", params=_SETTINGS, verbose=False)
    for row in rows:
        trainer.append(crf.features(list(row.units)), row.tags)
    trainer.train(str(path))


def _scores(rows: Sequence[Address], path: Path) -> dict[str, float]:
    """Return F1 by label: a span is right when its label, start and end are."""
    tagger = crf.Tagger(path.read_bytes())
    known: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        units = list(row.units)
        found: set[Labelled] = set(crf.spans_of(tagger.tags(units), units))
        known.update(span.label for span in (*row.spans, *found))
        right.update(span.label for span in row.spans if span in found)
    return {label: round(2 * right[label] / count, 4) for label, count in sorted(known.items())}
