"""Builds the raw record of a mail, or the dead letter of one that could not be fetched."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from connectors import faults
from connectors.mailbox.fetch import NOTHING, Mail
from connectors.mailbox.fetch_items import About
from connectors.mailbox.session import Folder
from connectors.publish.publisher import STAGE
from normalizers.parse.times import believed
from schemas import topics
from schemas.codec import Position
from schemas.errors import RecordError
from schemas.records import DeadLetter, RawMessage, raw_message

CHANNEL = "mailbox"

Made: TypeAlias = tuple[int, RawMessage | DeadLetter]
"""UID and the record or dead letter of a mail."""

_FIRST = datetime(1980, 1, 1, tzinfo=UTC)
"""Earliest credible time of a mail: IMAP did not exist before."""


class Records:
    """Builds the records of one account."""

    def __init__(self, account: str, jurisdiction: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._jurisdiction = jurisdiction
        self._now = now

    def message(self, mail: Mail) -> RawMessage:
        """Return the raw record of a mail; its id is the digest of its bytes. The server's description is optional."""
        return faults.or_plainly(
            CHANNEL, self._account, lambda: self._message(mail, mail.about), lambda: self._message(mail, NOTHING)
        )

    def record(self, mail: Mail, folder: str, view: Folder) -> RawMessage | DeadLetter:
        """Return the raw record of a mail, or the dead letter of one without bytes."""
        return self.message(mail) if mail.fault is None else self._letter(mail, mail.fault, folder, view)

    def _message(self, mail: Mail, about: About) -> RawMessage:
        now = self._now()
        return raw_message(
            channel=CHANNEL,
            channel_kind=CHANNEL,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=hashlib.sha256(mail.value).hexdigest(),
            value=mail.value,
            content_type="message/rfc822",
            time=_sensible(about.received, now) or now,
            recorded=now,
            sender=about.sender,
        )

    def _letter(self, mail: Mail, fault: RecordError, folder: str, view: Folder) -> DeadLetter:
        """Return the dead letter of a mail; its id is the mail's place on the server."""
        unnamed = self.message(mail)
        envelope = msgspec.structs.replace(
            unnamed.envelope,
            id=f"{folder}:{view.uidvalidity}:{mail.uid}",  # instead of the digest of the missing bytes
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
    """Return the time if it is credible for a mail."""
    return believed(at, _FIRST, now)
