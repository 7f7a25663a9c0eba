"""Messages of a push channel, and a Kafka that may be down, for tests of the way they take."""

from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.errors import UnreachableError
from schemas.records import RawMessage, raw_message

AT = datetime(2026, 11, 25, 8, 30, 0, 123456, tzinfo=UTC)


class Kafka:
    """Holds messages, unless it is down."""

    def __init__(self) -> None:
        self.held: list[RawMessage] = []
        self.down = False

    def publish(self, messages: Sequence[RawMessage]) -> None:
        if self.down:
            raise UnreachableError("down")
        self.held += messages

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        self.publish(messages)


def message(identifier: str, value: bytes = b"\x00\xff<xml/>", channel: str = "wechat") -> RawMessage:
    return raw_message(
        channel=channel,
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
