"""The AsyncAPI 3.0 document: every topic as a channel, with its key, headers and messages."""

import inspect
import json
from pathlib import Path
from typing import Any

from schemas import headers, topics
from schemas.contract.jsonschema import components
from schemas.envelope import VERSION, type_of
from schemas.records import RECORDS
from schemas.topics import TOPICS, Topic

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"
BINDING = "0.5.0"

_INTRO = """\
Every message that citizens send to a city's 12345 hotline (政务服务便民热线), the tickets (工单) made of them, and \
the decisions in between. CloudEvents 1.0 in Kafka's binary mode. Enumerations are open, unknown fields are to be \
ignored, `null` is "not known", absent is "not asked". Read events, links, tickets and hand-overs with \
`isolation.level=read_committed`: what one decision changes is one transaction. See docs/how-to/consume-tickets.md."""

_RAW, _DEAD = "raw", "dead"

_TELLS: dict[str, tuple[str, ...]] = {
    topics.MESSAGE: ("message", "command"),
    topics.EVENT: ("event",),
    topics.LINK: ("link",),
    topics.TICKET: ("ticket",),
    topics.TICKET_MASKED: ("ticket",),
    topics.TICKET_RESTRICTED: ("ticket",),
    topics.HANDOVER: ("handover",),
    topics.COMMAND: ("command",),
    topics.CURSOR: ("cursor",),
    topics.DEAD: (_DEAD,),
    topics.DELIVERY: ("delivery",),
    topics.AUDIT: ("audit",),
    topics.REPLAYED: ("audit",),
    topics.OUTBOX: ("outbox", "outbox_state"),
    topics.PLACEMENT: ("placement",),
}
"""Which records a topic carries; raw topics carry bytes."""

_KEYED_BY_TICKET = frozenset({"ticket", "event", "outbox", "outbox_state"})

_PRIVATE = frozenset({topics.CURSOR, topics.DELIVERY, topics.LEASE, topics.OUTBOX, topics.PLACEMENT})
"""Topics that only hotline itself reads and writes."""


def document() -> dict[str, Any]:
    """Return the document."""
    told = [topic for topic in TOPICS.values() if topic.name not in _PRIVATE]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:hotline:topics",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in told},
        "operations": {_operation_id(topic): _operation(topic) for topic in told},
        "components": {"messages": _messages(), "schemas": components("#/components/schemas")},
    }


def carried(topic: str) -> tuple[str, ...]:
    """Return which records a topic carries."""
    return _TELLS.get(topic, (_RAW,))


def _info() -> dict[str, Any]:
    return {
        "title": "hotline: 12345 tickets on Kafka",
        "version": VERSION,
        "description": _INTRO,
        "license": {"name": "Apache-2.0"},
        "contact": {"name": "The hotline's operators", "url": "https://example.invalid/hotline"},
        "tags": [{"name": "12345"}, {"name": "kafka"}],
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{brokers}",
        "protocol": "kafka",
        "description": "Apache Kafka 4; `kafka.bootstrap_servers` of the settings",
        "variables": {"brokers": {"default": "127.0.0.1:19092", "description": "host:port of the brokers"}},
        "bindings": {"kafka": {"bindingVersion": BINDING}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    placed = (
        "all of a city in one partition" if topic.partitioned_by == "jurisdiction" else "by Kafka's own partitioner"
    )
    return {
        "address": topic.name,
        "title": topic.about,
        "description": f"{topic.about}. Key: {topic.key}; {placed}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in carried(topic.name)},
        "bindings": {"kafka": _binding(topic)},
    }


def _binding(topic: Topic) -> dict[str, Any]:
    """Return the topic's settings; the number of partitions and replicas is each installation's own."""
    config: dict[str, Any] = {name: _number(text) for name, text in topic.config.items()}
    config["cleanup.policy"] = [topic.cleanup_policy]
    return {"topic": topic.name, "topicConfiguration": config, "bindingVersion": BINDING}


def _operation_id(topic: Topic) -> str:
    verb = "receive" if topic.name == topics.COMMAND else "send"
    return f"{verb}_{topic.name.removeprefix('hotline.').replace('.', '_')}"


def _operation(topic: Topic) -> dict[str, Any]:
    place = f"#/channels/{topic.name}"
    return {
        "action": "receive" if topic.name == topics.COMMAND else "send",
        "channel": {"$ref": place},
        "summary": topic.about,
        "messages": [{"$ref": f"{place}/messages/{name}"} for name in carried(topic.name)],
    }


def _messages() -> dict[str, Any]:
    made = {name: _record(name) for name in RECORDS if name not in ("cursor", "placement")}
    return {**made, _RAW: _raw(), _DEAD: _dead()}


def _record(name: str) -> dict[str, Any]:
    struct = RECORDS[name]
    example = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return {
        "name": type_of(name),
        "title": struct.__name__,
        "summary": inspect.cleandoc(struct.__doc__ or ""),
        "contentType": "application/json",
        "headers": headers.envelope(),
        "payload": {"$ref": f"#/components/schemas/{struct.__name__}"},
        "bindings": _key("ticket_id" if name in _KEYED_BY_TICKET else f"{name}_id"),
        "examples": [{"name": name, "payload": example}],
    }


def _raw() -> dict[str, Any]:
    return {
        "name": type_of(_RAW),
        "title": "Raw message",
        "summary": "The bytes of one citizen's message, as they came.",
        "contentType": "application/octet-stream",
        "headers": headers.envelope(),
        "payload": {"type": "string", "format": "binary", "description": "`content-type` says what the bytes are"},
        "bindings": _key("account + sender or thread"),
    }


def _dead() -> dict[str, Any]:
    return {
        "name": type_of(_DEAD),
        "title": "Dead letter",
        "summary": "Original key, value and headers of what could not be processed; the reasons in further headers.",
        "contentType": "application/octet-stream",
        "headers": headers.dead_letter(),
        "payload": {"type": "string", "format": "binary", "description": "The original bytes"},
        "bindings": _key("the original key"),
    }


def _key(what: str) -> dict[str, Any]:
    return {"kafka": {"key": {"type": "string", "description": what}, "bindingVersion": BINDING}}


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdecimal() else text
