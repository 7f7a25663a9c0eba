"""Records: a mail of one account as a raw record, or as the dead letter of what could not be fetched."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.mailbox.reader import Mail
from connectors.mailbox.session import Folder
from connectors.publisher import STAGE
from schemas import topics
from schemas.errors import RecordError
from schemas.records import DeadLetter, RawMessage, raw_message
from schemas.wire import Position

CHANNEL = "mailbox"

_FIRST = datetime(1980, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""Mail that was received before IMAP was, or a day ahead of us, has its time by a fault of the server."""


class Records:
    """Makes the records of one account."""

    def __init__(self, account: str, jurisdiction: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._jurisdiction = jurisdiction
        self._now = now

    def message(self, mail: Mail) -> RawMessage:
        """Return the raw record of a mail, named by its bytes."""
        now = self._now()
        return raw_message(
            channel=CHANNEL,
            channel_kind=CHANNEL,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=hashlib.sha256(mail.value).hexdigest(),
            value=mail.value,
            content_type="message/rfc822",
            time=_sensible(mail.about.received, now) or now,
            recorded=now,
            sender=mail.about.sender,
        )

    def letter(self, mail: Mail, fault: RecordError, folder: str, view: Folder) -> DeadLetter:
        """Return the dead letter of a mail that nobody has, named by its place on the server."""
        unnamed = self.message(mail)
        envelope = msgspec.structs.replace(
            unnamed.envelope,
            id=f"{folder}:{view.uidvalidity}:{mail.uid}",  # the digest of bytes that nobody has
            datacontenttype="text/rfc822-headers",
        )
        record = msgspec.structs.replace(unnamed, envelope=envelope).outbound()
        return DeadLetter.of(
            fault,
            stage=STAGE,
            position=Position(topics.raw(CHANNEL), -1, -1),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )


def _sensible(at: datetime | None, now: datetime) -> datetime | None:
    """Return a time at which a mail can have come."""
    return at if at is not None and _FIRST <= at <= now + _AHEAD else None
