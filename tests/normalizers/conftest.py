"""Raw records for the tests of this room."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from schemas.records import RawMessage, raw_message

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def raw() -> Callable[..., RawMessage]:
    """Make a raw record of some bytes: `raw(value, channel="wechat")`."""

    def make(value: bytes, channel: str = "record", *, time: datetime = TAKEN, identifier: str = "1") -> RawMessage:
        return raw_message(
            channel=channel,
            channel_kind=channel,
            account="city",
            jurisdiction="210100",
            identifier=identifier,
            value=value,
            content_type="application/octet-stream",
            time=time,
            recorded=TAKEN,
        )

    return make
