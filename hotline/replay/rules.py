"""Other rules for one process: a folder whose files take the place of those that come with the program."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import to_builtins

from normalizers import rules
from schemas.errors import MisconfiguredError
from tickets.policy import TicketPolicy

POLICY = "policy"
"""The file that changes the ticket policy's own values, such as `evict_after = "P30D"`."""


def use(folder: Path, *, normalizing: bool) -> None:
    """Let the files of `folder` rule this process. Raises MisconfiguredError for a folder that would change nothing."""
    if not folder.is_dir():
        raise MisconfiguredError(f"There is no folder {folder}: correct --rules.")
    names = {path.stem for path in folder.glob("*.toml")}
    known = {*rules.names(), POLICY}
    if not names:
        raise MisconfiguredError(f"{folder} has no rules: put changed copies of {_listed(known)} there.")
    if names - known:
        raise MisconfiguredError(f"Nobody reads {_listed(names - known)} of {folder}: there are {_listed(known)}.")
    if names <= set(rules.names()) and not normalizing:
        raise MisconfiguredError(f"{_listed(names)} is read when a message is normalized: add --stage normalize.")
    if names & set(rules.names()):
        rules.use(folder)


def policy(folder: Path | None, base: TicketPolicy) -> TicketPolicy:
    """Return the ticket policy with the values that `folder` changes."""
    file = folder / f"{POLICY}.toml" if folder else None
    if file is None or not file.is_file():
        return base
    changes = _parsed(file)
    fields: dict[str, Any] = to_builtins(base)
    unknown = changes.keys() - fields.keys()
    if unknown:
        raise MisconfiguredError(f"A ticket policy has no {_listed(unknown)}: {file} may change {_listed(fields)}.")
    try:
        return msgspec.convert({**fields, **changes}, TicketPolicy)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"{file} is no ticket policy ({error}): correct it.") from error


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisconfiguredError(f"{file} is no TOML ({error}): correct it.") from error


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
