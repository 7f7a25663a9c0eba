"""Place: whether the levels of labelled addresses are found, by the rules and the city's own model.

A file is CoNLL (`hotline/quality/learn/addresses.py`). A piece is right if its level, its start and its end are those
of the labels; nothing is counted for levels that the labels do not have.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import process_time

from hotline.quality.evaluate.figures import Figure, f1, share
from hotline.quality.evaluate.labelled import Paths, files, told
from hotline.quality.learn import addresses
from hotline.quality.learn.addresses import Address
from normalizers.enrich.address import parse as place
from normalizers.enrich.address.crf import load
from normalizers.enrich.address.parse import LEVELS, Piece
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError

Parse = Callable[[str], Iterable[Piece]]


def measure(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the parts that the rules find in each address with its labels."""
    return list(_figures(_rows(paths), lambda address: place.parse(address, rules)))


def measure_model(paths: Paths, model: Path, _: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the parts that a model finds in each address with its labels."""
    return list(_figures(_rows(paths), load(model).pieces))


def _rows(paths: Paths) -> list[Address]:
    rows = list(addresses.read(files(paths)))
    if not rows:
        raise MisconfiguredError(
            f"{told(paths)} has no addresses: give a file with one character and its label per line."
        )
    return rows


def _figures(rows: list[Address], parse: Parse) -> Iterator[Figure]:
    labelled, found, right = Counter[str](), Counter[str](), Counter[str]()
    parse(rows[0].text)
    seconds = -process_time()
    parsed = [tuple(parse(row.text)) for row in rows]
    seconds += process_time()
    for row, pieces in zip(rows, parsed, strict=True):
        known = {(span.label, span.start, span.end) for span in row.spans}
        told = {(piece.level, piece.start, piece.end) for piece in pieces}
        labelled.update(level for level, _, _ in known)
        found.update(level for level, _, _ in told)
        right.update(level for level, _, _ in known & told)
    yield Figure(name="addresses", value=len(rows), meaning="labelled addresses")
    yield Figure(name="microseconds", value=round(seconds / len(rows) * 1e6, 1), meaning="of one core, an address")
    for level in LEVELS:
        if labelled[level]:
            precision, recall = share(right[level], found[level]), share(right[level], labelled[level])
            yield Figure(name=f"{level}_labelled", value=labelled[level], meaning=f"pieces labelled {level}")
            yield Figure(name=f"{level}_precision", value=precision, meaning="found ones that are right")
            yield Figure(name=f"{level}_recall", value=recall, meaning="labelled ones that are found")
            yield Figure(name=f"{level}_f1", value=f1(precision, recall), meaning="their harmonic mean")
