"""Messages of a push channel, why one is refused, and a Kafka that may be down, for tests of the way they take."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from connectors.base import PushConnector, Request
from schemas.errors import RefusedRequest, UnreachableError
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

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        return list(messages) if self.down else []

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        self.publish(messages)


def refusal(connector: PushConnector, request: Request) -> tuple[int, str]:
    """Return status and reason with which a request is refused."""
    with pytest.raises(RefusedRequest) as caught:
        connector.accept(request)
    return caught.value.status, caught.value.reason


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
