"""How far the labels of addresses agree with each other, and what the rules' errors owe to that.

`python -m benchmarks.labels JUDGED [OTHERS ...]`: CoNLL files; the rules read the first one. Words are the same where
they differ in digits and punctuation alone, begin where a labelled piece begins, and have the same character behind.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hotline.quality.learn import addresses
from hotline.quality.learn.addresses import Address
from normalizers.enrich.address.parse import parse

LEVELS = ("district", "road", "poi")
SHOWN = (
    "level", "words", "labelled", "agreement", "best F1", "wrong", "seen", "labelled so elsewhere", "missed", "seen",
    "labelled otherwise elsewhere",
)  # fmt: skip

_DIGIT, _MARK = re.compile("[0-9]"), re.compile(r"[\W_]")
_END = "$"


class Words(NamedTuple):
    """The same words in all files: how often they are labelled with the level, and how often otherwise."""

    labelled: int
    otherwise: int

    @property
    def all(self) -> int:
        """Return how often they stand there."""
        return self.labelled + self.otherwise


def main() -> None:
    """Print a line for each level."""
    judged, *others = [list(addresses.read((Path(name),))) for name in sys.argv[1:]]
    every = [*judged, *(one for some in others for one in some)]
    print(" | ".join(SHOWN))
    for level in LEVELS:
        print(" | ".join(map(str, (level, *_agreement(every, level), *_errors(judged, every, level)))), flush=True)


def _agreement(every: list[Address], level: str) -> Iterator[float]:
    """Yield how many words occur more than twice, how often one label has another's consent, and the best F1."""
    known = [one for one in _counted(every, level).values() if one.all > 2]
    labelled = sum(one.labelled for one in known)
    yield len(known)
    yield labelled
    yield round(sum(one.labelled * (one.labelled - 1) / (one.all - 1) for one in known) / labelled, 3)
    taken = [one for one in known if 2 * one.labelled >= one.all]
    right = sum(one.labelled for one in taken)
    yield round(2 * right / (sum(one.all for one in taken) + labelled), 3)


def _errors(judged: list[Address], every: list[Address], level: str) -> Iterator[int]:
    """Yield how many the rules find wrongly, how many of these stand elsewhere, and labelled so; then the missed."""
    counted = _counted(every, level, also=_found(judged, level))
    wrong, missed = [], []
    for one in judged:
        labels = {(span.start, span.end) for span in one.spans if span.label == level}
        found = {(piece.start, piece.end) for piece in parse(one.text) if piece.level == level}
        starts = {span.start for span in one.spans}
        wrong += [(counted[_words(one.text, *span)], span[0] in starts) for span in found - labels]
        missed += [counted[_words(one.text, *span)] for span in labels - found]
    yield len(wrong)
    yield sum(one.all > is_own for one, is_own in wrong)
    yield sum(one.labelled > 0 for one, _ in wrong)
    yield len(missed)
    yield sum(one.all > 1 for one in missed)
    yield sum(one.otherwise > 0 for one in missed)


def _found(judged: Iterable[Address], level: str) -> set[tuple[str, str]]:
    pieces = ((one.text, piece) for one in judged for piece in parse(one.text) if piece.level == level)
    return {_words(text, piece.start, piece.end) for text, piece in pieces}


def _counted(every: list[Address], level: str, also: Iterable[tuple[str, str]] = ()) -> dict[tuple[str, str], Words]:
    """Count the words that are labelled so anywhere, and `also` others."""
    labelled: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in every:
        for span in one.spans:
            if span.label == level:
                labelled[_words(one.text, span.start, span.end)] += 1
    wanted = {*labelled, *also}
    longest = max(len(said) for said, _ in wanted)
    there: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in every:
        for start in {span.start for span in one.spans}:
            for end in range(start + 1, min(len(one.text), start + longest) + 1):
                if (words := _words(one.text, start, end)) in wanted:
                    there[words] += 1
    return {words: Words(labelled[words], there[words] - labelled[words]) for words in wanted}


def _words(text: str, start: int, end: int) -> tuple[str, str]:
    """Return words and the character behind them, digits and punctuation made alike."""
    plain = _MARK.sub(".", _DIGIT.sub("0", text[start : end + 1]))
    return plain[: end - start], plain[end - start :] or _END


if __name__ == "__main__":
    main()
