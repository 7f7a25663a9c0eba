"""The data contract in the Open Data Contract Standard 3.1: what consumers of the topics may rely on."""

import inspect
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Struct, UnsetType

from schemas import topics
from schemas.contract.asyncapi import carried
from schemas.envelope import VERSION
from schemas.fields import FieldInfo, fields_of
from schemas.records import RECORDS
from schemas.topics import DAY_MS, TOPICS, Topic

PUBLIC = (
    topics.TICKET, topics.TICKET_MASKED, topics.TICKET_RESTRICTED, topics.LINK, topics.EVENT, topics.HANDOVER,
    topics.MESSAGE, topics.COMMAND,
)  # fmt: skip
"""The topics that the contract is about: what others may read, and the one that they may write."""

_CLASSES = ("public", "personal", "sensitive_personal")
"""A field's PII class by number (《个人信息保护法》: 个人信息, 敏感个人信息)."""

_KEYS = {"ticket": "ticket_id", "handover": "handover_id", "command": "command_id", "event": "event_id"}

_LOGICAL: dict[Any, str] = {
    str: "string", bytes: "string", int: "integer", float: "number", bool: "boolean", datetime: "timestamp",
}  # fmt: skip

_DESCRIPTION = {
    "purpose": "Every message to a city's 12345 hotline (政务服务便民热线) as one stream of tickets (工单).",
    "usage": "Read with isolation.level=read_committed; idempotency on (ce_source, ce_id); the highest `version` of a "
    "ticket wins. docs/how-to/consume-tickets.md shows it with kafka-python, aiokafka, Faust and Java.",
    "limitations": "Personal information: hotline.ticket.v1, hotline.message.v1 and hotline.handover.v1 are for those "
    "who handle tickets; all others read hotline.ticket.masked.v1. Enumerations are open, fields may be added.",
}

_PROMISES: tuple[tuple[str, Any, str | None, str, str], ...] = (
    ("latency", 2, "s", "hotline.ticket.v1", "p99 from raw record to searchable ticket, at 50 messages/s"),
    ("latency", 1, "s", "hotline.handover.v1", "p99 from raw record to the emergency desk"),
    ("completeness", 100, "%", "hotline.link.v1", "Every message has a link: to its ticket, or why there is none"),
    ("deprecationNotice", 180, "d", "hotline.ticket.v1", "A breaking change is a new topic; both are written so long"),
)


def document() -> dict[str, Any]:
    """Return the contract."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "hotline-tickets",
        "name": "hotline_tickets",
        "version": VERSION,
        "status": "active",
        "domain": "citizen-services",
        "dataProduct": "hotline",
        "description": _DESCRIPTION,
        "schema": [_object(TOPICS[name], record) for name in PUBLIC for record in carried(name)],
        "slaProperties": [*_sla(), *(_retention(TOPICS[name]) for name in PUBLIC)],
        "support": [{"channel": "hotline-operators", "description": "The operators of this hotline"}],
        "team": {"name": "hotline", "description": "Owner: the operators of the city's hotline"},
        "roles": [
            {"role": "clerk", "access": "read", "description": "Handles tickets: reads them in clear"},
            {"role": "analyst", "access": "read", "description": "Reads hotline.ticket.masked.v1 and links"},
        ],
        "customProperties": [{"property": "evolution", "value": "FULL_TRANSITIVE"}],
    }


def _object(topic: Topic, record: str) -> dict[str, Any]:
    shape = RECORDS[record]
    key = _KEYS.get(record, "message_id")
    return {
        "name": _name(topic, record),
        "physicalName": topic.name,
        "physicalType": "topic",
        "logicalType": "object",
        "description": inspect.cleandoc(shape.__doc__ or ""),
        "properties": [_property(field, field.name == key) for field in fields_of(shape)],
    }


def _name(topic: Topic, record: str) -> str:
    """Return the topic's name; a second kind of record in it is told apart."""
    return topic.name if record == carried(topic.name)[0] else f"{topic.name}:{record}"


def _property(field: FieldInfo, is_key: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"name": field.name, "description": field.description, "required": field.required}
    made["businessName"] = field.chinese
    made["classification"] = _CLASSES[field.pii]
    if is_key:
        made |= {"primaryKey": True, "primaryKeyPosition": 1}
    return made | _type(field.hint, field.inner)


def _type(hint: Any, inner: type[Struct] | None) -> dict[str, Any]:
    """Return a type in the standard's words; `null` and absent are in the JSON Schema."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(parts[0], inner)
    if origin in (Union, UnionType):
        kinds = [part for part in parts if part not in (NoneType, UnsetType)]
        return _type(kinds[0], inner) if len(kinds) == 1 else _open("change", "Which of the changes it is")
    if origin is tuple:
        return {"logicalType": "array", "physicalType": "json", "items": {"name": "item", **_type(parts[0], inner)}}
    if inner is not None and hint is inner:
        properties = [_property(field) for field in fields_of(inner)]
        return {"logicalType": "object", "physicalType": "json", "properties": properties}
    logical = _LOGICAL.get(hint)
    return {"logicalType": logical, "physicalType": "json"} if logical else _open("*", "Any name")


def _open(name: str, description: str) -> dict[str, Any]:
    """Return an object of which only so much is promised."""
    properties = [{"name": name, "description": description, "logicalType": "string"}]
    return {"logicalType": "object", "physicalType": "json", "properties": properties}


def _sla() -> list[dict[str, Any]]:
    return [
        {"property": name, "value": value, "unit": unit, "element": element, "description": text}
        for name, value, unit, element, text in _PROMISES
    ]


def _retention(topic: Topic) -> dict[str, Any]:
    kept = -1 if topic.retention_ms is None else topic.retention_ms // DAY_MS
    told = "The newest of each key, for ever" if topic.cleanup_policy == "compact" else "Then it is deleted"
    return {"property": "retention", "value": kept, "unit": "d", "element": topic.name, "description": told}
