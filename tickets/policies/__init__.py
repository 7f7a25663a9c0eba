"""What a city decides by, as data: calendars and time limits. A folder of the city's own is read over these files."""

import hashlib
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from normalizers.rules import DEFAULT_RULES, THE_PROGRAMS, Rules, not_utf8, part
from schemas.errors import MisconfiguredError

OURS = files(__package__)

Version = Annotated[str, Meta(pattern=r"^[\w.+-]{1,40}\Z")]
"""A version as it may stand in every record."""

UNVERSIONED = "own"
"""The version of a city's own file that is older than versions."""

DECIDING = ("calendars", "deadlines", "dispatch", "near")
"""The kinds by which is decided; what a receipt says decides nothing."""

_DIGITS = 8
_RULES = (".toml", ".tsv", ".csv")


def read(kind: str, rules: Rules = DEFAULT_RULES) -> dict[str, Any]:
    """Return the tables of one kind (a folder such as `deadlines`) by file name without its ending.

    A file of the same name in the city's own folder replaces ours. Raises MisconfiguredError for what is no TOML.
    """
    return {**_ours(kind), **(_tables(rules.folder / kind) if rules.folder is not None else {})}


@part()
def digest(rules: Rules = DEFAULT_RULES) -> str:
    """Return eight hexadecimal digits of all files that decide, rules and policies, with those of the city.

    They are of names and bytes alone: wherever the same files lie, they are the same. Raises MisconfiguredError for a
    file that cannot be read.
    """
    made = hashlib.sha256()
    for name, file in sorted(_deciding(rules.folder).items()):
        try:
            content = file.read_bytes()
        except OSError as error:
            raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
        made.update(f"{name} {len(content)}\n".encode() + content)
    return made.hexdigest()[:_DIGITS]


def _deciding(folder: Path | None) -> dict[str, Traversable]:
    """Return the files by name; one of the city's own stands for ours where a reader takes it."""
    rules = {one.name: one for one in resources.files("normalizers.rules").iterdir() if one.name.endswith(_RULES)}
    found = dict(rules)
    if folder is not None:
        found |= {name: folder / name for name in rules.keys() - THE_PROGRAMS if (folder / name).is_file()}
    for kind in DECIDING:
        for room in (OURS / kind, *((folder / kind,) if folder is not None else ())):
            found |= {f"{kind}/{name}": file for name, file in _files(room)}
    return found


@cache
def _ours(kind: str) -> dict[str, Any]:
    return _tables(OURS / kind)


def _tables(folder: Traversable) -> dict[str, Any]:
    return {name: _parsed(file) for name, file in _files(folder)}


def _files(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".toml"):
                yield file.name.removesuffix(".toml"), file


def _parsed(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise not_utf8(file) from error
    except (OSError, ValueError, RecursionError) as error:  # no TOML, a number of thousands of digits
        raise MisconfiguredError(f"The policy file {file} cannot be read: {error}.") from error
