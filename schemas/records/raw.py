"""RawMessage: the bytes of one message as they came, with what the transport said of them."""

import hashlib
import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from schemas import ids, topics
from schemas.codec import AHEAD, Inbound, Outbound, Position, appended_at, position_of
from schemas.envelope import FIRST_TRACE, HOP, Envelope, Headers, type_of
from schemas.errors import MalformedError

INLINE_LIMIT = 512 * 1024
"""Bytes over this go to the blob store before the record (claim check)."""

BEGINNING_BYTES = 256 * 1024

BEGINNING = type_of("beginning")
_BEGINNING = BEGINNING.encode()
"""`ce_type` of a record that holds how a large message begins, while its bytes wait for the blob store."""

SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes over this become a dead letter."""


class RawMessage(Struct, frozen=True, kw_only=True):
    """One raw record. `value` is empty while the bytes lie under `envelope.dataref`.

    `conversation` is the Kafka key (account + sender or thread), so the turns of a conversation stay in order.
    """

    envelope: Envelope
    value: bytes
    conversation: str
    position: Position | None = None
    backfill: bool = False

    @property
    def channel(self) -> str:
        """Return the channel's name, `record` when the record does not say."""
        return self.envelope.channel or "record"

    @property
    def jurisdiction(self) -> str:
        """Return the adcode of the city."""
        return self.envelope.jurisdiction or ""

    @property
    def message_id(self) -> str:
        """Return the id that names this message for ever."""
        return ids.message_id(self.envelope.source, self.envelope.id)

    @property
    def topic(self) -> str:
        """Return the topic that it goes to."""
        return topics.BACKFILL if self.backfill else topics.raw(self.channel)

    def outbound(self) -> Outbound:
        """Return the Kafka record."""
        return Outbound(self.topic, self.conversation.encode(), self.value, self._headers())

    def _headers(self) -> Headers:
        """Return the envelope's headers; a message that has no trace yet begins one."""
        envelope = self.envelope
        if envelope.hop:
            return envelope.headers()
        began = envelope.first_trace.encode()
        headers = [header for header in envelope.headers() if header[0] != FIRST_TRACE]
        return [*headers, (FIRST_TRACE, began), (HOP, began)]


def raw_of(record: Inbound) -> RawMessage:
    """Return the raw message that a Kafka record carries. Raises MalformedError when its envelope cannot be read.

    It was taken before the broker had it, whatever the clock of the connector's host said: an emergency would be old
    news, and limits would count from next year.
    """
    envelope = Envelope.of(record.headers)
    at = appended_at(record)
    if at is not None and envelope.recordedtime > at + AHEAD:
        envelope = replace(envelope, recordedtime=at, time=min(envelope.time, at))
    if not envelope.jurisdiction:
        raise MalformedError("the record has no ce_jurisdiction: set the jurisdiction of its account")
    return RawMessage(
        envelope=envelope,
        value=record.value or b"",
        conversation=(record.key or b"").decode(errors="replace"),
        position=position_of(record),
        backfill=record.topic == topics.BACKFILL,
    )


_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def _writable(text: str) -> str:
    if _UNWRITABLE.search(text) is None:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def raw_message(
    *,
    channel: str,
    channel_kind: str,
    account: str,
    jurisdiction: str,
    identifier: str,
    value: bytes,
    content_type: str,
    time: datetime,
    recorded: datetime,
    sender: str | None = None,
    conversation: str | None = None,
    wire_sha256: str | None = None,
    backfill: bool = False,
    traceparent: str | None = None,
    not_before: datetime | None = None,
    folded_into: str | None = None,
) -> RawMessage:
    """Make the raw record of a message; the publisher moves large bytes to the blob store.

    What UTF-8 cannot write of a name that a stranger chose (half an emoji), and a NUL, is in it as an escape.
    `time` is when the citizen sent it as the transport says, `recorded` when we took it, `not_before` a time at which
    it was not there yet by our own clock; all aware. `folded_into` is the message whose hand-over rings for this one's.
    """
    envelope = Envelope(
        id=_writable(identifier),
        source=ids.source_of(channel, account),
        type=type_of("raw"),
        time=time,
        recordedtime=recorded,
        datacontenttype=content_type,
        jurisdiction=jurisdiction,
        channel=channel,
        channelkind=channel_kind,
        account=account,
        sender=_writable(sender) if sender is not None else None,
        sha256=hashlib.sha256(value).hexdigest(),
        wiresha256=wire_sha256,
        traceparent=traceparent,
        notbefore=not_before,
        foldedinto=folded_into,
    )
    key = _writable(conversation if conversation is not None else f"{account}\n{sender or ''}")
    return RawMessage(envelope=envelope, value=value, conversation=key, backfill=backfill)


def beginning(message: RawMessage) -> RawMessage:
    """Return how a message begins, under its own name: what it says first is read for an emergency."""
    envelope = replace(message.envelope, type=BEGINNING, sha256=None)
    return replace(message, envelope=envelope, value=message.value[:BEGINNING_BYTES])


def is_beginning(record: Inbound) -> bool:
    """Say whether a record only tells how a message begins that comes whole later: `screen` alone reads those."""
    return ("ce_type", _BEGINNING) in record.headers
