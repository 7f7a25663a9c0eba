"""Other rules for one replay: a folder in the place of the city's own (`rules.folder`)."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib import resources
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from hotline.config import clients
from hotline.search import synonyms
from normalizers.mapped_webhook import profile
from normalizers.rules import THE_PROGRAMS, Rules
from schemas.errors import MisconfiguredError
from tickets import policies

if TYPE_CHECKING:
    from hotline.config.settings import Settings


_RULES = (".toml", ".tsv", ".csv")
"""Suffixes of rules that are read at normalization; all policies are TOML."""

_BESIDE = (
    *(".md", ".docx", ".pdf"),
    *(".bak", ".old", ".orig", ".swp", "~", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist", ".dpkg-new"),
    *(".npz", ".crfsuite", ".json"),
)
"""Suffixes of notes, copies and models, which may stand beside the rules."""


def under(settings: "Settings", folder: Path | None, *, normalizing: bool) -> "Settings":
    """Return the settings of a program that has the rules of `folder`.

    Raises MisconfiguredError for a folder that would change nothing.
    """
    if folder is None:
        return settings
    if not folder.is_dir():
        raise MisconfiguredError(f"There is no folder {folder}: correct --rules.")
    named = _files(folder)
    if not named:
        raise MisconfiguredError(f"{folder} has no rules: put changed copies of {_listed(_known())} there.")
    _refuse_idle(folder)
    if not normalizing and all(len(path.parts) == 1 for path in named):
        read = _listed(map(str, named))
        raise MisconfiguredError(f"{read} is read when a message is normalized: add --stage normalize.")
    return settings.model_copy(update={"rules": settings.rules.model_copy(update={"folder": folder})})


def to_try(settings: "Settings") -> Rules:
    """Return the city's own rules for a trial of them. Raises MisconfiguredError for one that would change nothing."""
    rules = clients.verified_rules(settings)
    if rules.folder is not None:
        _refuse_idle(rules.folder)
    return rules


def _refuse_idle(folder: Path) -> None:
    for sentence in chain(strangers(folder), idle_calendars(folder)):
        raise MisconfiguredError(sentence)


def strangers(folder: Path) -> Iterator[str]:
    """Yield each file in a folder of rules that is never read, such as a misspelt or misplaced one."""
    for path in _files(folder):
        if not _is_read(path):
            yield f"{path} in {folder} is not used: {_advice(path)}"


def idle_calendars(folder: Path) -> Iterator[str]:
    """Name each calendar of the city's own by which no time limit (办理时限) counts."""
    with suppress(MisconfiguredError):  # its reader reports it
        city = Rules.load(folder)
        tables = policies.read("calendars", city)
        counted = {str(table.get("calendar", "cn")) for table in policies.read("deadlines", city).values()}
        counted |= {str(tables[name].get("extends")) for name in counted & tables.keys()}
        for path in sorted((folder / "calendars").glob("*.toml")):
            if path.stem not in counted:
                yield (
                    f"No time limit uses calendars/{path.name} in {folder}: write `calendar = "
                    f'"{path.stem}"` into a file of deadlines/, or remove it.'
                )


def _files(folder: Path) -> list[PurePath]:
    """Return files that may be rules, below the folder: no hidden files, notes, copies or models."""
    found = (PurePath(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not _is_beside(path))


def _is_beside(path: PurePath) -> bool:
    name = path.name.lower()
    return (
        any(part.startswith(".") for part in path.parts)
        or name.startswith(("readme", "license"))
        or name.endswith(_BESIDE)
    )


def _is_read(path: PurePath) -> bool:
    folder, *inside = path.parts
    if not inside:
        return path.name in _rules() or path.name == synonyms.FILE
    if folder == profile.FOLDER:
        return len(inside) == 1 and path.suffix == ".toml"
    whole = folder in _policies() and len(inside) == 1 and path.suffix == ".toml"
    return whole and (folder not in _of_one_file() or path.name == f"{folder}.toml")


def _advice(path: PurePath) -> str:
    folder, *inside = path.parts
    if path.name in THE_PROGRAMS:
        return "it belongs to the program and its releases; add towns in towns.csv."
    if inside and folder in _of_one_file():
        return f"name it {folder}/{folder}.toml."
    ours = [*_rules(), *(f"{name}/{file}" for name, files in _policies().items() for file in files)]
    if elsewhere := [one for one in ours if PurePath(one).name == path.name]:
        return f"name it {elsewhere[0]}."
    if inside and folder in _policies():
        return f"name it {folder}/{path.name.partition('.')[0]}.toml."
    if near := difflib.get_close_matches(folder, _known() if inside else ours, n=1, cutoff=0.7):
        return f"did you mean {PurePath(near[0], *inside)}?"
    return f"there are {_listed(_known())}."


def _known() -> list[str]:
    return [*_rules(), *_policies()]


@cache
def _rules() -> Collection[str]:
    """Return the names of the rules that are read when a message is normalized."""
    found = [one.name for one in resources.files("normalizers.rules").iterdir() if one.name.endswith(_RULES)]
    return [name for name in found if name not in THE_PROGRAMS]


@cache
def _policies() -> dict[str, list[str]]:
    """Return the folders of policies, which are read when a message is decided about, and our files in each."""
    there = [one for one in policies.OURS.iterdir() if one.is_dir() and not one.name.startswith("_")]
    return {one.name: [file.name for file in one.iterdir() if file.name.endswith(".toml")] for one in there}


def _of_one_file() -> set[str]:
    """Return the folders of which only the file of the same name is read."""
    return {name for name, files in _policies().items() if f"{name}.toml" in files}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
