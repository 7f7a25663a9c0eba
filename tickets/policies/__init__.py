"""What a city decides by, as data: calendars and time limits. A folder of the city's own is read over these files."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from normalizers.rules import not_utf8
from schemas.errors import MisconfiguredError

OURS = files(__package__)


def read(kind: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the tables of one kind (a folder such as `deadlines`) by file name without its ending.

    A file of the same name in the city's `folder` replaces ours. Raises MisconfiguredError for what is no TOML.
    """
    return {**_ours(kind), **(_tables(folder / kind) if folder is not None else {})}


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
