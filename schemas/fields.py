"""What every field says of itself: English and 中文, a PII class, how the archive indexes it, its words."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from schemas.enums import Words

PII = Literal[0, 1, 2]
"""0 none, 1 personal, 2 sensitive."""

Index = Literal["keyword", "text", "date", "long", "double", "boolean", "object", "words", "none"]
"""The Elasticsearch field type; `object` descends into the struct, `none` is stored but not searchable.

`words` is free text as written: stored like `none`, searched through its folded copy `search_text`; a mask keeps it and
blacks out the personal spans.
"""

_NONE: Words = MappingProxyType({})

X_PII, X_INDEX, X_WORDS = "x-pii", "x-index", "x-words"
"""Where a JSON Schema has what the standard has no keyword for; `title` is the Chinese term."""


def about(description: str, chinese: str, *, pii: PII = 0, index: Index = "keyword", words: Words = _NONE) -> Meta:
    """Describe a field: ``name: Annotated[str, about("Who wrote it", "诉求人", pii=1)]``.

    `words` are the values known today of an open enumeration, with their 中文: later versions may add some, so readers
    take any other as `unknown` (`schemas/enums.py`).
    """
    extra: dict[str, Any] = {"pii": pii, "index": index, "words": words}
    shown: dict[str, Any] = {X_PII: pii, X_INDEX: index}
    if words:
        shown[X_WORDS] = list(words)
    return Meta(title=chinese, description=description, extra=extra, extra_json_schema=shown)


# Walks a record and lists its fields, with what each says of itself (`schemas/fields.py`).


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
    """List the direct fields of a record, in order; raises TypeError for a field without `about()`."""
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
