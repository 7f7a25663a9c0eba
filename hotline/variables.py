"""What is wrong with the environment's variables of our prefix, told with the name of the one to correct."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import DecodeError, json

from hotline.settings import PREFIX, Settings
from hotline.settings_shape import CHOSEN, is_list, is_table, kind_at, kinds, names_in

FILE_VARIABLE = "HOTLINE_SETTINGS"
SECRETS_VARIABLE = "HOTLINE_SECRETS_DIR"

_NOT_SETTINGS = frozenset({FILE_VARIABLE, SECRETS_VARIABLE, "HOTLINE_DATA", "HOTLINE_DEBUG", "HOTLINE_PARENT"})

_ID = "([A-Z0-9]+(?:_[A-Z0-9]+)*)"


def variable_of(path: Iterable[str]) -> str:
    """Return the environment variable of a setting: ``("kafka", "partitions")`` → ``HOTLINE_KAFKA__PARTITIONS``."""
    return PREFIX + "__".join(path).upper()


def path_of(variable: str) -> tuple[str, ...]:
    """Return the setting that a variable of our prefix names, be there one or not."""
    return tuple(variable.removeprefix(PREFIX).lower().split("__"))


def unknown(variables: Mapping[str, str]) -> Iterator[str]:
    """Find misspelt names. Others may use our prefix too, so a name must look like ours."""
    for name, value in sorted(variables.items()):
        first = path_of(name)[0]
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS or first in Settings.model_fields:
            continue
        if name.endswith("_PORT") and "://" in value:  # Kubernetes, for a service such as hotline-receiver
            continue
        if meant := _with_both_underscores(name) or _nearest(name, first):
            yield f"{name} is no setting: did you mean `{meant}`?"
        elif "__" in name:
            yield f"{name} is no setting: remove it; known here are {', '.join(Settings.model_fields)}."


def _with_both_underscores(name: str) -> str | None:
    """Return the variable that was meant by one with `_` where `__` belongs."""
    for path, _ in kinds(Settings):
        pattern = PREFIX + "_+".join(_ID if part == CHOSEN else part.upper() for part in path)
        if found := re.fullmatch(pattern, name):
            ids = iter(found.groups())
            return variable_of(next(ids) if part == CHOSEN else part for part in path)
    return None


def _nearest(name: str, first: str) -> str | None:
    near = difflib.get_close_matches(first, Settings.model_fields, n=1, cutoff=0.75)
    return name.replace(first.upper(), near[0].upper(), 1) if near else None


def unreadable(variables: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find tables and lists that are no JSON: each setting and a sentence, without its value: it may hold secrets."""
    for name, value in sorted(variables.items()):
        path = path_of(name)
        kind = kind_at(Settings, path) if name.startswith(PREFIX) else None
        if is_table(kind) and not _is_json(value):
            inner = variable_of((*path, *(names_in(kind) or ["ID"])[:1]))
            yield path, f"{name} names a table and is no JSON: set what stands in it, such as {inner}."
        elif is_list(kind) and value.lstrip().startswith("[") and not _is_json(value):
            yield (
                path,
                f"{name} begins as a list in JSON and is none: correct it, or write commas between the items alone.",
            )


def _is_json(value: str) -> bool:
    try:
        json.decode(value)
    except (DecodeError, RecursionError):
        return False
    return True
