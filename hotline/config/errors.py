"""What is wrong with the settings, in sentences: what pydantic says in the words of Python, in those of TOML."""

import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from msgspec import DecodeError, json
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from hotline.config.paths import CHOSEN, is_list, is_model, is_secret, is_table, kind_at, kinds, names_in, plain
from hotline.config.settings import PREFIX, Settings
from schemas.ids import ADCODE

# Settings of which something could not be read: what is known of the rest, and which rules that breaks.

T = TypeVar("T")
Keys = tuple[str, ...]

_UNREAD = object()


def known(kind: Any, value: Any, unread: Collection[Keys], path: Keys = ()) -> Any:
    """Return what can be read of a value; a table lacks what is among `unread`, as an attribute, too."""
    shape = plain(kind)
    if is_model(shape) and isinstance(value, dict):
        return _table(shape, value, unread, path)
    if get_origin(shape) is dict and isinstance(value, dict):
        _, inner = get_args(shape)
        read = {key: known(inner, one, unread, (*path, key)) for key, one in value.items()}
        return {key: one for key, one in read.items() if one is not _UNREAD}
    if path in unread:
        return _UNREAD
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError:
        return _UNREAD


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _table(kind: type[BaseModel], value: dict[str, Any], unread: Collection[Keys], path: Keys) -> BaseModel:
    read = {
        name: known(field.rebuild_annotation(), value[name], unread, (*path, name))
        for name, field in kind.model_fields.items()
        if name in value
    }
    made = kind.model_construct(**{name: one for name, one in read.items() if one is not _UNREAD})
    for name in kind.model_fields:
        if read.get(name, _UNREAD if (*path, name) in unread else None) is _UNREAD:
            made.__dict__.pop(name, None)  # its default is not what was meant
    return made


def broken(value: Any, path: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Yield the tables whose rules over several keys are broken, and how; rules about what is not known say nothing."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, BaseModel):
        inner = value
        yield from ((path, told) for told in _broken_rules(value))
    for name, one in inner:
        yield from broken(one, (*path, name))


def _broken_rules(table: BaseModel) -> Iterator[str]:
    for name, rule in type(table).__pydantic_decorators__.model_validators.items():
        if rule.info.mode != "after":
            continue
        try:
            getattr(table, name)()
        except AttributeError:  # it is about what is not known
            continue
        except ValueError as error:
            yield str(error)


def whole(value: T) -> T:
    """Return a table without those in it that have a name of the user's own, and of which something is not known."""
    made: Any = value
    if isinstance(value, BaseModel):
        made = value.model_copy(update={name: whole(one) for name, one in value})
    elif isinstance(value, dict):
        made = {name: whole(one) for name, one in value.items() if _is_whole(one)}
    return made  # type: ignore[no-any-return] # of the type that came in


def _is_whole(value: Any) -> bool:
    if not isinstance(value, BaseModel):
        return True
    return type(value).model_fields.keys() <= value.__dict__.keys() and all(_is_whole(one) for _, one in value)


# What is wrong with the environment's variables of our prefix, told with the name of the one to correct.

FILE_VARIABLE = "HOTLINE_SETTINGS"
SECRETS_VARIABLE = "HOTLINE_SECRETS_DIR"

_NOT_SETTINGS = frozenset({FILE_VARIABLE, SECRETS_VARIABLE, "HOTLINE_DEBUG", "HOTLINE_LANG", "HOTLINE_PARENT"})
_OF_TESTS = frozenset(
    f"{PREFIX}{name}" for name in ("ASTERISK", "DATA", "FUZZ_FOLDER", "REQUIRE_PEERS", "SOAK", "WALKS", "WRITE_CASES")
)
_OF_KUBERNETES = re.compile(
    r"HOTLINE(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""The variables that Kubernetes sets in each container for a service whose name begins with `hotline`."""

_ID = "([A-Z0-9]+(?:_[A-Z0-9]+)*)"


def variable_of(path: Iterable[str]) -> str:
    """Return the environment variable of a setting: ``("kafka", "partitions")`` → ``HOTLINE_KAFKA__PARTITIONS``."""
    return PREFIX + "__".join(path).upper()


def path_of(variable: str) -> tuple[str, ...]:
    """Return the setting that a variable of our prefix names, be there one or not."""
    return tuple(variable.removeprefix(PREFIX).lower().split("__"))


def unknown(variables: Mapping[str, str]) -> Iterator[str]:
    """Find misspelt names. A variable of our prefix without effect would let `run` use another server in silence."""
    for name, value in sorted(variables.items()):
        first = path_of(name)[0]
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS | _OF_TESTS or first in Settings.model_fields:
            continue
        if _OF_KUBERNETES.fullmatch(name) or (name.endswith("_PORT") and "://" in value):
            continue
        if meant := _with_both_underscores(name) or _variables_nearest(name, first):
            yield f"{name} is not a setting: did you mean `{meant}`?"
        else:
            yield f"{name} is not a setting: remove it; settings begin with {', '.join(Settings.model_fields)}."


def _with_both_underscores(name: str) -> str | None:
    """Return the variable that was meant by one with `_` where `__` belongs."""
    for path, _ in kinds(Settings):
        pattern = PREFIX + "_+".join(_ID if part == CHOSEN else part.upper() for part in path)
        if found := re.fullmatch(pattern, name):
            ids = iter(found.groups())
            return variable_of(next(ids) if part == CHOSEN else part for part in path)
    return None


def _variables_nearest(name: str, first: str) -> str | None:
    if near := difflib.get_close_matches(name, _NOT_SETTINGS, n=1, cutoff=0.9):
        return near[0]
    table = difflib.get_close_matches(first, Settings.model_fields, n=1, cutoff=0.75)
    return name.replace(first.upper(), table[0].upper(), 1) if table else None


def unreadable(variables: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find tables and lists that are no JSON: each setting and a sentence, without its value: it may hold secrets."""
    for name, value in sorted(variables.items()):
        path = path_of(name)
        kind = kind_at(Settings, path) if name.startswith(PREFIX) else None
        if is_table(kind) and not _is_json(value):
            inner = variable_of((*path, *(names_in(kind) or ["ID"])[:1]))
            yield path, f"{name} names a table and is not JSON: set its values, such as {inner}."
        elif is_list(kind) and value.lstrip().startswith("[") and not _is_json(value):
            yield (
                path,
                f"{name} begins like a JSON list but is not one: correct it, or separate the items with commas only.",
            )


def _is_json(value: str) -> bool:
    try:
        json.decode(value)
    except (DecodeError, RecursionError):
        return False
    return True


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
        return f"`{name}` is not a setting{_hint(_nearest(path), names_in(kind_at(Settings, path[:-1])))}"
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
