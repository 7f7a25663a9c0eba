"""A record without its personal fields, for eyes that may not see them."""

from typing import Any

from msgspec import Struct, to_builtins

from schemas.fields import walk

HIDDEN = "＊"


def hidden(record: Struct) -> dict[str, Any]:
    """Return the record with every personal or sensitive value hidden; missing fields stay missing."""
    shown: dict[str, Any] = to_builtins(record)
    for info in walk(type(record)):
        if info.pii:
            _hide(shown, info.path.split("."))
    return shown


def _hide(value: Any, path: list[str]) -> None:
    if isinstance(value, list | tuple):  # msgspec keeps tuples
        for item in value:
            _hide(item, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) > 1:
            _hide(value[path[0]], path[1:])
        elif value[path[0]]:
            value[path[0]] = HIDDEN
