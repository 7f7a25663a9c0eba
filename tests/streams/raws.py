"""Raw records for the tests of the stages."""

import json
from datetime import UTC, datetime

from schemas.codec import Outbound
from schemas.records import RawMessage, raw_message

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def raw(number: int, text: str = "路灯坏了三天没人修", **changes) -> RawMessage:
    """Return one neutral record of a city."""
    value = json.dumps({"id": f"n{number}", "text": text}, ensure_ascii=False).encode()
    fields = {
        "channel": "record",
        "channel_kind": "letter",
        "account": "office",
        "jurisdiction": "210100",
        "identifier": f"n{number}",
        "value": value,
        "content_type": "application/json",
        "time": NOON,
        "recorded": NOON,
        "sender": "citizen",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return raw_message(**(fields | changes))


def outbound(number: int, text: str = "路灯坏了三天没人修", **changes) -> Outbound:
    """Return the Kafka record of `raw`."""
    return raw(number, text, **changes).outbound()


def broken(number: int) -> Outbound:
    """Return a record whose bytes are no neutral record."""
    return raw(number, value=b"\xff\x00 not json").outbound()


def claimed(number: int, path: str, text: str = "路灯坏了三天没人修") -> tuple[Outbound, bytes]:
    """Return a claim-checked record, and the bytes for the blob store."""
    whole = raw(number, text).outbound()
    return whole._replace(value=b"", headers=[*whole.headers, ("ce_dataref", path.encode())]), whole.value
