"""Raw records for the tests of this room."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

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


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real messages, which is not part of the project; tests that read it are skipped without it."""
    folder = Path(os.environ.get("HOTLINE_DATA", "/work/shared/data"))
    if not folder.is_dir():
        pytest.skip("no real messages here: set HOTLINE_DATA to their folder")
    return folder
