"""The masked ticket: what analysts see. Persons, contacts and doors are hidden, incident places stay searchable.

Which field is masked follows from its PII class in `schemas/`: free text keeps its words with personal spans blacked
out, every other personal field is emptied.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from schemas.records import Ticket
from tickets.spans import personal_spans

T = TypeVar("T", bound=Struct)
Rule = Callable[[Any], Any]

MASK = "＊"
MASK_CHARACTERS = 11
"""A mask is never longer than a phone number, so that it tells nothing of the length."""


def mask_text(text: str) -> str:
    """Black out mobile and landline numbers, id, card and plate numbers, mail addresses, names and doors."""
    parts, end = [], 0
    for start, stop in personal_spans(text):
        parts += [text[end:start], MASK * min(stop - start, MASK_CHARACTERS)]
        end = stop
    return "".join([*parts, text[end:]]) if parts else text


def mask_ticket(ticket: Ticket) -> Ticket:
    """Return the snapshot that analysts may see."""
    return replace(_mask(ticket), masked=True)


def _mask(record: T) -> T:
    there = ((name, rule, getattr(record, name)) for name, rule in _rules_of(type(record)))
    masked = {name: rule(value) for name, rule, value in there if value}
    return replace(record, **masked) if masked else record


_RULES: dict[type, tuple[tuple[str, Rule], ...]] = {}


def _rules_of(kind: type) -> tuple[tuple[str, Rule], ...]:
    """Return the fields of a struct that need masking, and how."""
    rules = _RULES.get(kind)
    if rules is None:
        hints = get_type_hints(kind, include_extras=True)
        found = ((field.name, _rule_of(hints[field.name])) for field in msgspec.structs.fields(kind))
        rules = _RULES[kind] = tuple((name, rule) for name, rule in found if rule is not None)
    return rules


def _rule_of(hint: Any) -> Rule | None:
    meta = _meta(hint)
    if meta["pii"] == 0:
        return _mask_nested if any(_rules_of(struct) for struct in _structs(hint)) else None
    if meta["index"] in ("text", "words"):
        return mask_text
    return _empty if type(None) in get_args(get_args(hint)[0]) else _empty_required


def _meta(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        for one in get_args(hint)[1:]:
            if isinstance(one, Meta) and one.extra and "pii" in one.extra:
                return dict(one.extra)
    return {"pii": 0, "index": "none"}


def _structs(hint: Any) -> list[type]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return [hint]
    return [struct for inner in get_args(hint) for struct in _structs(inner)]


def _mask_nested(value: Any) -> Any:
    return tuple(_mask(one) for one in value) if isinstance(value, tuple) else _mask(value)


def _empty(value: Any) -> None:
    return None


def _empty_required(value: Any) -> Any:
    return type(value)()
