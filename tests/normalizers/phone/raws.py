"""Raw records of calls, as the connectors make them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Call, Message, raw_message

TAKEN = datetime(2026, 11, 25, 1, 12, 5, tzinfo=UTC)
JSON = "application/json; shape=call; platform=cti"
AMI = 'application/x-asterisk-ami; platform=pbx; zone="Asia/Shanghai"'
MASTER = "text/csv; shape=asterisk; platform=pbx; zone=UTC"
SHEET = "text/csv; shape=calls; platform=cti"


def understood(value: bytes, content_type: str) -> Message:
    raw = raw_message(
        channel="phone",
        channel_kind="phone",
        account="account",
        jurisdiction="210100",
        identifier="1",
        value=value,
        content_type=content_type,
        time=TAKEN,
        recorded=TAKEN,
    )
    return normalize(raw, Policy()).message


def told(value: bytes | dict[str, Any], content_type: str = JSON) -> tuple[Message, Call]:
    """Return a message and its call."""
    message = understood(value if isinstance(value, bytes) else msgspec.json.encode(value), content_type)
    assert isinstance(message.call, Call)
    return message, message.call


def said(message: Message) -> dict[str, str]:
    """Return what the channel itself said."""
    return {finding.kind: finding.value for finding in message.findings if finding.source == "channel"}
