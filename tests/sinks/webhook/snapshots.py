"""Ticket snapshots as `assign` publishes them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

import schemas
from schemas.codec import Position, decode, encode
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Ticket
from sinks import Document
from sinks.webhook import SubscriberSettings
from tests.sinks.webhook.receiver import SECRET
from tickets.masking.mask import mask_ticket

GOLDEN = replace(
    decode((Path(schemas.__file__).parent / "golden" / "v1" / "ticket.json").read_bytes(), Ticket),
    redacted_version=UNSET,
    redacted_words=UNSET,
    confidentiality_version=UNSET,
)
AT = datetime(2026, 11, 24, 2, tzinfo=UTC)


def snapshot(
    ticket_id: str = "210100-a", version: int = 1, *, topic: str = "t", offset: int = 0, **fields: Any
) -> Document:
    """A masked snapshot; `fields` are the ticket's."""
    return document(replace(mask_ticket(GOLDEN), ticket_id=ticket_id, version=version, **fields), topic, offset)


def document(ticket: Ticket, topic: str = "t", offset: int = 0) -> Document:
    envelope = Envelope(
        id=f"{ticket.ticket_id}:{ticket.version}",
        source=f"/hotline/assign/{ticket.jurisdiction}",
        type=type_of("ticket"),
        time=AT,
        recordedtime=AT,
        dataschema=schema_of("ticket"),
        jurisdiction=ticket.jurisdiction,
        sequence=f"{ticket.version:010d}",
        subject=ticket.ticket_no,
        correlationid=ticket.ticket_id,
        sender="13800000000",
    )
    return Document(Position(topic, 0, offset), ticket.ticket_id.encode(), encode(ticket), envelope.headers())


def subscriber(url: str = "https://hooks.example.cn/in", **fields: Any) -> SubscriberSettings:
    """Settings of a subscriber; on loopback when the URL says so."""
    secrets = fields.pop("secrets", (SECRET,))
    private = fields.pop("allow_private", "127.0.0.1" in url)
    return SubscriberSettings.model_validate({"url": url, "secrets": secrets, "allow_private": private, **fields})
