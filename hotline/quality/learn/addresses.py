"""Labelled addresses in files: CoNLL, a character and its BIO label on each line, a blank line after each address."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from normalizers.enrich.address import crf
from normalizers.enrich.address.crf import Labelled
from schemas.errors import MisconfiguredError

LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "prov": "province", "省": "province", "市": "city", "区县": "district", "devzone": "zone", "开发区": "zone",
        "乡镇街道": "town", "街道": "town", "社区": "community", "村": "community", "village": "community",
        "道路": "road", "street": "road", "roadno": "road_number", "门牌号": "road_number", "subroad": "sub_road",
        "subroadno": "sub_road_number", "小区": "poi", "subpoi": "sub_poi",
    }
)  # fmt: skip
"""Other names of the levels (`place.LEVELS`), in lower case; any other label is learned and not used."""


class Address(NamedTuple):
    """One address and its labels: a tag for each unit (`place_model.units_of`)."""

    text: str
    units: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def spans(self) -> tuple[Labelled, ...]:
        """The labelled spans from left to right."""
        return crf.spans_of(list(self.tags), list(self.units))


def read(paths: Iterable[Path]) -> Iterator[Address]:
    """Yield the addresses of all files. Raises MisconfiguredError naming the file, and the line, that is none such."""
    for path in paths:
        try:
            lines = path.read_text("utf-8-sig").split("\n")
        except FileNotFoundError as error:
            raise MisconfiguredError(f"There is no file {path}: name one that exists.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise MisconfiguredError(f"{path} cannot be read ({type(error).__name__}): give a UTF-8 file.") from error
        yield from _addresses(lines, path)


def _addresses(lines: Iterable[str], path: Path) -> Iterator[Address]:
    characters: list[tuple[str, str]] = []
    for number, line in enumerate((*lines, ""), 1):
        fields = line.split()
        if len(fields) == 2:
            characters += _labelled(*fields)
        elif fields:
            raise MisconfiguredError(f"Line {number} of {path.name} is not a character with its label: correct it.")
        elif characters:
            yield _address(characters)
            characters = []


def _labelled(written: str, tag: str) -> Iterator[tuple[str, str]]:
    """Yield each character with its tag: some files write a number as one."""
    position, _, label = tag.partition("-")
    level = LEVELS.get(label.lower(), label)
    for at, character in enumerate(written):
        inside = "I" if at or position in "IE" else "B"
        yield character, f"{inside}-{level}" if label else "O"


def _address(characters: list[tuple[str, str]]) -> Address:
    text = "".join(character for character, _ in characters)
    units = crf.units_of(text)
    starts = [0]
    for unit in units[:-1]:
        starts.append(starts[-1] + len(unit))
    return Address(text, tuple(units), tuple(characters[start][1] for start in starts))
