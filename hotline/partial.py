"""Settings of which something could not be read: what is known of the rest, and which rules that breaks."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from hotline.settings_shape import is_model, plain

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
