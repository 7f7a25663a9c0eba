"""Messages of a push channel, for tests of the way they take."""

from datetime import UTC, datetime

from schemas.records import RawMessage, raw_message

AT = datetime(2026, 11, 25, 8, 30, 0, 123456, tzinfo=UTC)


def message(identifier: str, value: bytes = b"\x00\xff<xml/>") -> RawMessage:
    return raw_message(
        channel="wechat",
        channel_kind="wechat_mp",
        account="city",
        jurisdiction="110000",
        identifier=identifier,
        value=value,
        content_type="text/xml",
        time=AT,
        recorded=AT,
        sender="o1",
        wire_sha256="0" * 64,
    )
