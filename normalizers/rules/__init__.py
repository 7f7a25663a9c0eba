"""Rules as data: words and levels that a city's own people can read and change; read once."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from schemas.errors import MisconfiguredError


@cache
def load(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the rules in `<name>.toml`: the one in the city's own `folder`, else ours.

    Raises MisconfiguredError for a file that cannot be read.
    """
    own = folder / f"{name}.toml" if folder else None
    file = own if own and own.is_file() else resources.files(__name__).joinpath(f"{name}.toml")
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise MisconfiguredError(f"The rules in {file} cannot be read: {error}.") from error
