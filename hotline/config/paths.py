"""Where in the tree of settings a key stands: which type it has, what stands beside it, and what is secret."""

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

_LISTS = (tuple, list, set, frozenset)


def kind_at(root: type[BaseModel], path: Iterable[str]) -> Any:
    """Return the type at a path of keys, None when there is no such key."""
    kind: Any = root
    for key in path:
        kind = _step(kind, key)
    return kind


def names_in(kind: Any) -> list[str]:
    """Return the keys that a table of this type knows; none when its keys are the user's own."""
    return list(kind.model_fields) if is_model(kind) else []


def is_list(kind: Any) -> bool:
    """Say whether a value of this type is a list."""
    return get_origin(plain(kind)) in _LISTS


def is_table(kind: Any) -> bool:
    """Say whether a value of this type is a table."""
    return is_model(kind) or get_origin(kind) is dict


def is_secret(kind: Any) -> bool:
    """Say whether a value of this type is a secret, or a list of them."""
    bare = plain(kind)
    return bare is SecretStr or (is_list(bare) and any(is_secret(part) for part in get_args(bare)))


def secret_paths(value: Any, kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every secret in a table."""
    if is_secret(kind):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from secret_paths(inner, _step(kind, key), (*path, key))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the value of every setting in a tree of them."""
    if isinstance(value, BaseModel):
        for name, inner in value:  # without what could not be read of it
            yield from leaves(inner, (*path, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


CHOSEN = "<id>"
"""Stands in a path for a name that the user chooses."""


def kinds(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the type of every setting that there can be."""
    bare = plain(kind)
    if is_model(bare):
        for key, field in bare.model_fields.items():
            yield from kinds(field.annotation, (*path, key))
    elif get_origin(bare) is dict:
        yield from kinds(get_args(bare)[1], (*path, CHOSEN))
    else:
        yield path, bare


def _step(kind: Any, key: str) -> Any:
    if is_model(kind):
        field = kind.model_fields.get(key)
        return plain(field.annotation) if field else None
    return plain(get_args(kind)[1]) if get_origin(kind) is dict else None


def plain(kind: Any) -> Any:
    """Take annotations and an alternative None off a type."""
    if get_origin(kind) is Annotated:
        return plain(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return plain(next(part for part in get_args(kind) if part is not types.NoneType))
    return kind


def is_model(kind: Any) -> bool:
    """Say whether a value of this type is a table whose keys are ours."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)
