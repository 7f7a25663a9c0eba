"""Walks a record and lists its fields, with what each says of itself (`schemas/fields.py`)."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from schemas.words import Words


class FieldInfo(Struct, frozen=True, kw_only=True):
    """One field: its dotted path, its metadata (`chinese` is its 中文 name), the struct inside it when it descends,
    its type as written, and whether every record has it.
    """

    path: str
    name: str
    description: str
    chinese: str
    pii: int
    index: str
    words: Words
    inner: type[Struct] | None
    hint: Any
    required: bool


def fields_of(record: type[Struct], prefix: str = "") -> Iterator[FieldInfo]:
    """List the direct fields of a record, in order; a field without `about()` is an error of ours."""
    hints = get_type_hints(record, include_extras=True)
    required = {field.name for field in msgspec.structs.fields(record) if field.required}
    for name, wire in zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True):
        meta = _meta(record, name, hints[name])
        extra = meta.extra or {}
        yield FieldInfo(
            path=f"{prefix}{wire}",
            name=wire,
            description=meta.description or "",
            chinese=meta.title or "",
            pii=extra["pii"],
            index=extra["index"],
            words=extra["words"],
            inner=_inner(hints[name]),
            hint=hints[name],
            required=name in required,
        )


def walk(record: type[Struct], prefix: str = "") -> Iterator[FieldInfo]:
    """List every field of a record and of the structs inside it, parents first."""
    for info in fields_of(record, prefix):
        yield info
        if info.inner is not None:
            yield from walk(info.inner, f"{info.path}.")


def _meta(record: type[Struct], name: str, hint: Any) -> msgspec.Meta:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra is not None:
            return meta
    raise TypeError(f"{record.__name__}.{name} does not describe itself: give it an about(...) of schemas/fields.py")


def _inner(hint: Any) -> type[Struct] | None:
    """Find the one record inside `X`, `X | None`, `X | UnsetType`, `tuple[X, ...]`."""
    if isinstance(hint, type) and not get_origin(hint):
        return hint if issubclass(hint, Struct) else None
    parts = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
    found = [inner for part in parts if (inner := _inner(part)) is not None and _describes_itself(inner)]
    return found[0] if len(found) == 1 else None


def _describes_itself(struct: type[Struct]) -> bool:
    """Say whether a struct is a record of fields; a tagged change of an event is not, it is stored as it is."""
    return struct.__struct_config__.tag is None
