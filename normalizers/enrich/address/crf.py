"""A city's own model of its addresses: a linear-chain CRF over characters, learned by `hotline learn place`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from normalizers.enrich.address import parse
from normalizers.enrich.address.parse import LEVELS, Piece
from normalizers.geo import divisions
from normalizers.geo import divisions as division_names
from normalizers.text import model_files
from schemas.errors import MisconfiguredError
from schemas.records import Finding

FEATURES = 1
"""The version of `features`: a model only understands the features it was trained on."""

_ENDINGS = frozenset("省市县区旗盟州镇乡村庄社路街道巷弄号院苑园厦场楼城座幢栋室层店厂司")
_FAR = 5
"""How many characters ahead an ending is looked for: names are two to four characters long."""

_NUMERALS = frozenset("〇零一二三四五六七八九十百")
_UNIT = re.compile(r"[0-9]+|[A-Za-z]+|.", re.DOTALL)
_MARGIN = 3
_BEFORE, _AFTER = "\x02", "\x03"


class Card(Struct, frozen=True, kw_only=True):
    """What is known of a model: kept beside it as JSON, for people; `f1` by label is of held-out addresses."""

    sha256: str
    labels: dict[str, int]
    rows: int
    data_sha256: str
    features: int
    held_out: int
    f1: dict[str, float]
    made_with: str


class Labelled(NamedTuple):
    """A labelled span of an address: end exclusive."""

    label: str
    start: int
    end: int


class Tagger:
    """A trained model that can be asked. The library reads from `data` without a copy: it must live as long as this."""

    def __init__(self, data: bytes) -> None:
        from pycrfsuite import Tagger as Labeller

        self._data = data
        self._labeller = Labeller()
        self._labeller.open_inmemory(data)

    def tags(self, units: list[str]) -> list[str]:
        """Return a BIO tag for each unit."""
        tags: list[str] = self._labeller.tag(features(units))
        return tags


class PlaceModel:
    """The labels of an address's characters, as the city's own labelled addresses have them."""

    def __init__(self, card: Card, data: bytes) -> None:
        self.card = card
        self._tagger = Tagger(data)

    def pieces(self, address: str) -> tuple[Piece, ...]:
        """Return the levels of an address as `place.parse` names them, from left to right."""
        spans = [one for one in self.spans(address) if one.label in LEVELS]
        return tuple(Piece(one.label, one.start, one.end, address[one.start : one.end]) for one in spans)

    def findings(self, address: str, at: int | None) -> Iterator[Finding]:
        """Yield the findings of an address that begins at `at`, with the scores of the card."""
        return parse.findings(self.pieces(address), at, self.card.f1, "model", f"model.{self.card.sha256[:12]}")

    def spans(self, address: str) -> tuple[Labelled, ...]:
        """Return the labelled spans from left to right; labels are levels, or the city's own."""
        units = units_of(address)
        return spans_of(self._tagger.tags(units), units) if units else ()


def units_of(address: str) -> list[str]:
    """Return what bears one label: a character, or a whole number or run of Latin letters."""
    return _UNIT.findall(address)


def spans_of(tags: list[str], units: list[str]) -> tuple[Labelled, ...]:
    """Return the spans that the BIO (or BIOES) tags of units make; an I without its B begins one."""
    found: list[Labelled] = []
    at = 0
    for tag, unit in zip(tags, units, strict=True):
        start, at = at, at + len(unit)
        position, _, label = tag.partition("-")
        if not label:
            continue
        if position in "IE" and found and found[-1].label == label and found[-1].end == start:
            found[-1] = found[-1]._replace(end=at)
        else:
            found.append(Labelled(label, start, at))
    return tuple(found)


def features(units: list[str]) -> list[list[str]]:
    """Return what the model sees at each unit: its neighbours, their classes, divisions and endings ahead."""
    seen = [f"#{min(len(unit), 5)}" if unit.isdigit() else unit.lower() for unit in units]
    kinds = ["9" if unit.isdigit() else _kind(unit) for unit in units]
    known = _division_tags(units)
    padded = [_BEFORE] * _MARGIN + seen + [_AFTER] * (_FAR + 1)
    around = [_BEFORE] * _MARGIN + kinds + [_AFTER] * _MARGIN
    return [_at(padded, around, known, at) for at in range(len(units))]


def _at(padded: list[str], around: list[str], known: list[str], at: int) -> list[str]:
    before3, before2, before, here, after, after2, after3 = padded[at : at + 7]
    kind2, kind1, kind, next1, next2 = around[at + 1 : at + 6]
    return [
        f"0{here}",
        f"1{before}",
        f"2{after}",
        f"3{before2}",
        f"4{after2}",
        f"5{before}{here}",
        f"6{here}{after}",
        f"7{before2}{before}",
        f"8{after}{after2}",
        f"9{before}{here}{after}",
        f"a{before3}{before2}{before}",
        f"b{here}{after}{after2}",
        f"c{after2}{after3}",
        f"d{kind2}{kind1}{kind}{next1}{next2}",
        f"e{kind1}{kind}{next1}",
        f"f{known[at]}",
        f"g{known[at - 1] if at else ''}|{known[at]}",
        f"h{_ending_ahead(padded, at + _MARGIN)}",
    ]


def _ending_ahead(padded: list[str], at: int) -> str:
    for distance in range(_FAR + 1):
        if padded[at + distance] in _ENDINGS:
            return f"{distance}{padded[at + distance]}"
    return ""


def _kind(unit: str) -> str:
    if unit in _ENDINGS:
        return unit
    if unit in _NUMERALS:
        return "一"
    return "a" if unit.isascii() and unit.isalpha() else "汉" if unit.isalpha() else "-"


def _division_tags(units: list[str]) -> list[str]:
    """Return for each unit the levels of the division that it is in, by name; empty for the others."""
    tags = [""] * len(units)
    text = "".join(unit if len(unit) == 1 else _BEFORE for unit in units)
    for match in division_names.division_names_names().finditer(text):
        levels = "".join(sorted({division.level[0] for division in divisions.named(match[0])}))
        for at in range(*match.span()):
            tags[at] = f"{levels}{'b' if at == match.start() else 'i'}"
    return tags


def load(path: Path) -> PlaceModel:
    """Return the model in `path` (.crfsuite), with its card beside it (.json).

    Raises MisconfiguredError when one is missing, the model is not the one that the card describes, or it was made
    for other features than this program's.
    """
    data, card = model_files.read(path, "place", Card)
    if card.features != FEATURES:
        raise MisconfiguredError(f"The place model {path} was made by another version: make it again.")
    return PlaceModel(card, data)
