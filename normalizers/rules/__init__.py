"""Rules as data: words and levels that a city's own people can read and change; read once."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

_others: list[Path] = []


@cache
def load(name: str) -> dict[str, Any]:
    """Return the rules in `<name>.toml`."""
    return read(__name__, name)


def read(package: str, name: str) -> dict[str, Any]:
    """Return the data in `<name>.toml` of a package, or in the file of that name which `use` put in its place."""
    other = next((path for folder in _others if (path := folder / f"{name}.toml").is_file()), None)
    found = other or resources.files(package).joinpath(f"{name}.toml")
    return tomllib.loads(found.read_text("utf-8"))


def names(package: str = __name__) -> list[str]:
    """Return what a package has files of."""
    files = resources.files(package).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def use(folder: Path) -> None:
    """Let the files of a folder take the place of their namesakes, in this process: what a replay under other rules is.

    Raises RuntimeError when rules were read already: half of the process would go by the former ones.
    """
    if load.cache_info().currsize:
        raise RuntimeError("rules were read before others took their place")
    _others.insert(0, folder)
