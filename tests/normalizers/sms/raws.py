"""Raw records of SMS, as the connectors make them."""

from datetime import UTC, datetime

from schemas.records import RawMessage, raw_message

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)


def raw_of(value: bytes, content_type: str, *, sender: str | None = None, identifier: str = "1") -> RawMessage:
    return raw_message(
        channel="sms",
        channel_kind="sms",
        account="city",
        jurisdiction="210100",
        identifier=identifier,
        value=value,
        content_type=content_type,
        time=TAKEN,
        recorded=TAKEN,
        sender=sender,
    )
