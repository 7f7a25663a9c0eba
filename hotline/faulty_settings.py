"""What is wrong with the settings, in sentences: what pydantic says in the words of Python, in those of TOML."""

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic_core import ErrorDetails

from hotline.settings import Settings
from hotline.settings_shape import is_model, is_secret, is_table, kind_at, names_in
from hotline.variables import variable_of
from schemas.ids import ADCODE

EMPTY = "it is empty"


def sentences(errors: Sequence[ErrorDetails], file: Path) -> Iterator[str]:
    """Yield one for each, naming the settings file; a list of which an item is refused is not empty for that."""
    places = [details["loc"] for details in errors]
    for details in errors:
        loc = details["loc"]
        holds_another = any(place != loc and place[: len(loc)] == loc for place in places)
        if not (details["type"] == "too_short" and holds_another):
            yield _sentence(details, file)


def path_to(details: ErrorDetails) -> tuple[str, ...]:
    """Return the setting; an item of a list has a number, and the variable holds the whole list."""
    return tuple(str(part) for part in itertools.takewhile(lambda part: isinstance(part, str), details["loc"]))


def _sentence(details: ErrorDetails, file: Path) -> str:
    path = path_to(details)
    name, variable = ".".join(path), variable_of(path)
    if details["type"] == "extra_forbidden":
        return f"`{name}` is no setting{_hint(_nearest(path), names_in(kind_at(Settings, path[:-1])))}"
    if details["type"] == "missing":
        where = f"set {variable}" if is_secret(kind_at(Settings, path)) else f"set it in {file} or as {variable}"
        return f"`{name}` is missing: {where}."
    return unusable(path, _reason(details), file)


def unusable(path: tuple[str, ...], reason: str, file: Path) -> str:
    """Return the sentence that a setting, or a table of them, cannot be used, and where it is corrected."""
    kind, variable = kind_at(Settings, path), variable_of(path)
    said = _LACKS.fullmatch(reason) if is_model(kind) else None
    if said and said["name"] in names_in(kind):
        return (
            f"`{'.'.join((*path, said['name']))}` is missing ({said['why']}): set {variable_of((*path, said['name']))}."
        )
    inner = f"variables that begin with {variable}__" if is_table(kind) else variable
    where = variable if is_secret(kind) else f"it in {file} or {inner}"
    return f"`{'.'.join(path)}` cannot be used ({reason}): correct {where}."


_LACKS = re.compile(r"(?P<name>\w+) is missing: (?P<why>.+)")
"""How a rule over several keys of an account says that it wants another one."""

_LIST = 'it must be a list, such as ["one", "two"]'
_WHOLE, _NUMBER, _SWITCH = "it must be a whole number", "it must be a number", "it must be true or false"

_PLAIN: Mapping[str, str] = {
    "dict_type": "it must be a table",
    "model_type": "it must be a table",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "string_type": "it must be text in quotes",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "timezone_aware": "it must be a time with its offset, such as 2026-11-01T00:00:00+08:00",
}
"""What pydantic says in the words of Python, said in those of TOML."""

_SIX_DIGITS = "it must be six digits in quotes, such as 210100"
_PATTERNS: Mapping[str, str] = {
    ADCODE: _SIX_DIGITS,
    r"^[1-9]\d{5}$": _SIX_DIGITS,
    r"^https?://": "it must begin with https:// or http://",
    r"^/[\w/.-]*$": "it must be the path of a URL, such as /one",
    r"^[^@\s]*@[^@\s]+$": "it must be a mail address, or a domain with @ before it, such as @city.gov.cn",
    r"^[^\s@<>,;:()\"+]+@[^\s@<>,;:()\"]+$": "it must be a mail address without a name or a plus",
    r"^[a-z0-9][a-z0-9_.-]{0,31}$": "it must be a short name of a-z 0-9 _ . -, such as centre",
}
"""The patterns of most settings, said in words."""


def _reason(details: ErrorDetails) -> str:
    context, kind = details.get("ctx", {}), details["type"]
    if context.get("min_length") == 1:
        return EMPTY
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"it must match {context['pattern']}")
    if context.get("field_type") == "Value":  # a secret: its characters are called items
        least, most = context.get("min_length"), context.get("max_length")
        return f"it must have {f'at least {least}' if least else f'at most {most}'} characters"
    said = details["msg"].removeprefix("Value error, ")
    return _PLAIN.get(kind) or said.replace("Input should", "it must", 1)


def _hint(near: str | None, known: Iterable[str] = ()) -> str:
    if near:
        return f": did you mean `{near}`?"
    names = ", ".join(known)
    return f": remove it; known here are {names}." if names else ": remove it."


def _nearest(path: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(path[-1], names_in(kind_at(Settings, path[:-1])), n=1, cutoff=0.5)
    return near[0] if near else None
