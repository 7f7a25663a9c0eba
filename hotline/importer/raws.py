"""From the items of a file to the raw records of back-fill, named as the connectors name theirs."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from hotline.importer import mails
from hotline.importer.attachments import with_files
from hotline.importer.item import Item
from hotline.importer.ledger import default_account
from hotline.importer.lines import HALF
from normalizers import record
from normalizers.base import Policy
from normalizers.parse.codes import is_code, is_kind
from schemas.errors import MalformedError, TooLargeError
from schemas.ids import is_adcode
from schemas.records import RawMessage, raw_message
from schemas.records.raw import SIZE_LIMIT

IDENTIFIER_LIMIT = 1024
"""Characters of an id; longer ones name nothing that people keep."""

_POLICY = Policy()


class Intake(Struct, frozen=True, kw_only=True):
    """Whose messages these are: the account and the city that stand where a record names none of its own.

    Without an account the city names it: exports of two cities count from 1, and one Kafka may hold both.
    """

    account: str | None = None
    jurisdiction: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def raw_of(self, item: Item) -> RawMessage:
        """Return the raw record of an item without a fault.

        Raises RecordError for what the pipeline would refuse: the report names the line, a dead letter could not.
        """
        return self._mail(item) if item.channel == "mailbox" else self._record(item)

    def _mail(self, item: Item) -> RawMessage:
        about, now = mails.about(item.data), self.now()
        return raw_message(
            channel="mailbox",
            channel_kind="mailbox",
            account=self.account or default_account(self.jurisdiction),
            jurisdiction=self.jurisdiction,
            identifier=item.identifier,
            value=item.data,
            content_type="message/rfc822",
            time=_past(item.time or about.time, item, now),
            recorded=now,
            sender=about.sender,
            backfill=True,
        )

    def _record(self, item: Item) -> RawMessage:
        value = with_files(item.data, item.folder)
        if len(value) > SIZE_LIMIT or len(item.identifier) > IDENTIFIER_LIMIT:
            raise TooLargeError(f"the record is larger than {SIZE_LIMIT >> 20} MiB, or its id is longer than 1024")
        if HALF.search(item.identifier):
            raise MalformedError("the id contains half a character: correct it")
        fields, now = record.parse(value), self.now()
        texts = {name: str(found) for name in _CODES if type(found := fields.get(name)) in (str, int)}
        city, kind, account = (texts.get(name, "") for name in _CODES)
        city = city if is_adcode(city) else self.jurisdiction
        account = account if is_code(account) else self.account or default_account(city)
        raw = raw_message(
            channel="record",
            channel_kind=kind if is_kind(kind) else "record",
            account=account,
            jurisdiction=city,
            identifier=item.identifier,
            value=value,
            content_type="application/json",
            time=_past(record.time_of(fields), item, now),
            recorded=now,
            conversation=f"{self.account or account}\n{_conversation(fields) or item.identifier}",
            backfill=True,
        )
        record.normalize(raw, _POLICY)
        return raw


_CODES = ("jurisdiction", "channel_kind", "account")


def is_undated(item: Item) -> bool:
    """Say whether a record that can be read says when it came in a way that nobody can read."""
    if item.channel == "mailbox":
        return False
    fields = record.parse(item.data)
    return bool(fields.get("received_at")) and record.time_of(fields) is None


def _conversation(fields: dict[str, Any]) -> str | None:
    """Return what keeps the turns of one conversation in order: its thread, else its sender."""
    sender = fields.get("sender")
    named = fields.get("thread_id") or (sender.get("value") if isinstance(sender, dict) else sender)
    return str(named)[:IDENTIFIER_LIMIT].encode("utf-8", "replace").decode() if named else None


def _past(time: datetime | None, item: Item, now: datetime) -> datetime:
    """Return when the message was sent: as it says, else when its file was written, and never in the future.

    So an old export without times is old, and its emergencies alarm nobody; today's list of letters is new.
    """
    return min(time or _written(item.place) or now, now)


def _written(place: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(Path(os.fsdecode(place)).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None
