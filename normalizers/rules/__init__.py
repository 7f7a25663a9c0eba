"""Rules as data: words and levels that a city's own people can read and change; read once."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from schemas.errors import MisconfiguredError

FOLDERS = 8
"""Of so many folders the large rulebooks are kept, some 50 MB each: a process has one, a trial of rules a second."""


@cache
def load(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the rules in `<name>.toml`: the one in the city's own `folder`, else ours.

    Raises MisconfiguredError for a file that cannot be read.
    """
    file = _file(f"{name}.toml", folder)
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of thousands of digits
        raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error


def table(name: str, columns: Sequence[str], folder: Path | None = None) -> list[dict[str, str]]:
    """Return the lines of `<name>.tsv`: of the one in the city's own `folder`, else of ours.

    Raises MisconfiguredError for a file that cannot be read, or a line without just these columns.
    """
    file = _file(f"{name}.tsv", folder)
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
    cells = [line.split("\t") for line in lines if line.strip()]
    if len(cells) < 2:
        raise MisconfiguredError(f"There is no line in {file}.")
    for number, row in enumerate(cells, 1):
        if len(row) != len(columns) or (number == 1 and row != list(columns)):
            raise MisconfiguredError(f"Line {number} of {file} has not the columns {', '.join(columns)}.")
    return [dict(zip(columns, row, strict=True)) for row in cells[1:]]


def _file(name: str, folder: Path | None) -> Traversable:
    own = folder / name if folder else None
    return own if own and own.is_file() else resources.files(__name__).joinpath(name)
