"""Other rules for one replay: a folder in the place of the city's own (`rules.folder`)."""

from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import MisconfiguredError

if TYPE_CHECKING:
    from hotline.settings import Settings

_NORMALIZING, _DECIDING = "normalizers.rules", "tickets.policies"


def under(settings: "Settings", folder: Path | None, *, normalizing: bool) -> "Settings":
    """Return the settings of a program that has the rules of `folder`.

    Raises MisconfiguredError for a folder that would change nothing.
    """
    if folder is None:
        return settings
    if not folder.is_dir():
        raise MisconfiguredError(f"There is no folder {folder}: correct --rules.")
    read, decided = _names(_NORMALIZING), _names(_DECIDING)
    named = _named(folder)
    if not named:
        raise MisconfiguredError(f"{folder} has no rules: put changed copies of {_listed(read | decided)} there.")
    for sentence in strangers(folder):
        raise MisconfiguredError(sentence)
    if named <= read and not normalizing:
        raise MisconfiguredError(f"{_listed(named)} is read when a message is normalized: add --stage normalize.")
    return settings.model_copy(update={"rules": settings.rules.model_copy(update={"folder": folder})})


def strangers(folder: Path) -> Iterator[str]:
    """Name what stands in a folder of rules and is read by nobody, such as a file outside its folder."""
    known = _names(_NORMALIZING) | _names(_DECIDING)
    if unread := _named(folder) - known:
        yield f"Nobody reads {_listed(unread)} in {folder}: there are {_listed(known)}."
    for name in sorted(_of_one_file(_DECIDING)):
        for path in sorted((folder / name).glob("*.toml")):
            if path.name != f"{name}.toml":
                yield f"Nobody reads {name}/{path.name} in {folder}: name it {name}/{name}.toml."


def _named(folder: Path) -> set[str]:
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*.toml")}


def _names(package: str) -> set[str]:
    """Return the files and folders of rules in a package."""
    there = resources.files(package).iterdir()
    return {one.name for one in there if one.name.endswith(".toml") or (one.is_dir() and not one.name.startswith("_"))}


def _of_one_file(package: str) -> set[str]:
    """Return the folders of which only the file of the same name is read."""
    there = resources.files(package)
    return {name for name in _names(package) if (there / name / f"{name}.toml").is_file()}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
