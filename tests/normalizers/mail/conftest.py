"""One mail in, one Draft out; and where the real mails of others lie."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from normalizers.base import Draft, Policy
from normalizers.mail import normalize
from schemas.records import RawMessage, raw_message

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _raw(data: bytes) -> RawMessage:
    return raw_message(
        channel="mailbox",
        channel_kind="mailbox",
        account="mayor",
        jurisdiction="330100",
        identifier="a",
        value=data,
        content_type="message/rfc822",
        time=NOON,
        recorded=NOON,
    )


def _draft(data: bytes) -> Draft:
    return normalize(_raw(data), Policy())


@pytest.fixture(scope="session")
def raw_mail() -> Callable[..., RawMessage]:
    return _raw


@pytest.fixture(scope="session")
def draft() -> Callable[..., Draft]:
    return _draft


@pytest.fixture(scope="session")
def real_mails() -> Path:
    beside = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("HOTLINE_DATA", beside)) / "mail"
    if not folder.is_dir():
        pytest.skip("no real mails: set HOTLINE_DATA to the folder that holds mail/")
    return folder
