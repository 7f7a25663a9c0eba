"""Explains a ticket: ticket → links → messages → raw record → bytes, with the versions of the rules."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from hotline.admin.replies import Answer, of_ticket
from hotline.search.archive import Archive
from schemas import ids
from schemas.codec import Position
from schemas.errors import MisconfiguredError, PipelineError
from schemas.records import Link, Message, RawRef, Ticket
from tickets.search import Sight

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from broker.config import KafkaConnection


Bytes = Callable[[Message], "Raw"]


class Raw(Struct, frozen=True, kw_only=True):
    """The raw bytes of a message: where they were searched, and whether they are unchanged.

    `place` is empty for an erased message, whose place is unknown.
    """

    place: str
    found: bool
    bytes: int | None = None
    intact: bool | None = None
    fault: str | None = None


class Filed(Struct, frozen=True, kw_only=True):
    """One message of a ticket: why it is there, by which rules it was understood, and its bytes."""

    link: Link
    channel: str | None = None
    received_at: datetime | None = None
    normalizer_version: int | None = None
    rules: dict[str, str] = {}
    raw: Raw | None = None
    text: str | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole walk; `ticket` is None for a message that makes no ticket."""

    ticket_id: str | None
    ticket_no: str | None = None
    version: int | None = None
    status: str | None = None
    cluster_id: str | None = None
    cluster_no: str | None = None
    edges: list[dict[str, Any]] = []
    policy_version: str | None = None
    messages: list[Filed] = []
    answers: list[Answer] = []


async def explain(archive: Archive, name: str, raw: Bytes, *, clear: bool = False) -> Explanation:
    """Walk from a ticket's id or number, or from a message's id.

    Raises MisconfiguredError if it does not exist, or only in the other archive (保密). The error names only the
    question and no ticket, so that it does not show where a message of a restricted ticket is filed.
    """
    sight: Sight = "clear" if clear else "masked"
    ticket, link = await archive.ticket(name, sight=sight), None
    if ticket is None:
        link = await archive.link(name)
        if link is not None and link.ticket_id is not None:
            ticket = await archive.ticket(link.ticket_id, sight=sight)
    if ticket is not None:
        return _told(
            ticket, [await _filed(archive, link, raw, clear) for link in await archive.links(ticket.ticket_id)]
        )
    if link is None or link.ticket_id is not None:
        raise MisconfiguredError(f"The archive has no ticket or message {name}: use `hotline search`.")
    return Explanation(ticket_id=None, messages=[await _filed(archive, link, raw, clear)])


def with_answers(told: Explanation, connection: "KafkaConnection") -> Explanation:
    """Add the receipts of the citizens, as far as Kafka has them."""
    if told.ticket_id is None:
        return told
    try:
        return replace(told, answers=of_ticket(connection, told.ticket_id))
    except PipelineError:
        return told


def _told(ticket: Ticket, messages: list[Filed]) -> Explanation:
    return Explanation(
        ticket_id=ticket.ticket_id,
        ticket_no=ticket.ticket_no,
        version=ticket.version,
        status=ticket.status,
        cluster_id=ticket.cluster_id,
        cluster_no=ticket.cluster_no,
        edges=[{"ticket_id": edge.ticket_id, "kind": edge.kind, "score": edge.score} for edge in ticket.edges],
        policy_version=ticket.lineage.policy_version,
        messages=messages,
    )


async def _filed(archive: Archive, link: Link, raw: Bytes, clear: bool) -> Filed:
    message = await archive.message(link.message_id)
    if message is None:  # not indexed yet, or erased
        return Filed(link=link)
    return Filed(
        link=link,
        channel=message.channel_kind,
        received_at=message.received_at,
        normalizer_version=message.normalizer_version,
        rules=_rules(message),
        raw=raw(message),
        text=message.text if clear else None,
    )


def _rules(message: Message) -> dict[str, str]:
    return {finding.kind: f"{finding.source} {finding.version}" for finding in message.findings}


def looks_up(connection: "KafkaConnection", blobs: "ObjectStore") -> Bytes:
    """Return a function that fetches raw bytes and compares their digest: from Kafka, or from the blob store's copy."""

    def look_up(message: Message) -> Raw:
        ref = message.raw
        if message.message_class == "erased":
            return Raw(place="", found=False, fault="erased with the message")
        if ref.dataref:
            return _raw(ref.dataref, _blob(blobs, ref.dataref), ref)
        place, fault = f"{ref.topic}:{ref.partition}:{ref.offset}", None
        try:
            found = _raw(place, _record(connection, ref), ref)
        except PipelineError as error:
            found, fault = Raw(place=place, found=False), str(error)
        if found.intact:
            return found
        path = ids.blob_path(message.jurisdiction, message.message_id, ref.sha256)
        kept = _raw(path, _blob(blobs, path), ref)
        if kept.found:
            return kept
        return found if fault is None else Raw(place=place, found=False, fault=fault)

    return look_up


def _raw(place: str, value: bytes | None, ref: RawRef) -> Raw:
    if value is None:
        return Raw(place=place, found=False, fault="removed by retention")
    intact = hashlib.sha256(value).hexdigest() == ref.sha256
    return Raw(place=place, found=True, bytes=len(value), intact=intact)


def _blob(blobs: "ObjectStore", path: str) -> bytes | None:
    from obstore.exceptions import BaseError

    try:
        return bytes(blobs.get(path).bytes())
    except (FileNotFoundError, BaseError):
        return None


def _record(connection: "KafkaConnection", ref: RawRef) -> bytes | None:
    from broker.kafka_reader import read_one

    if ref.topic is None or ref.partition is None or ref.offset is None:
        return None
    record = read_one(connection, Position(ref.topic, ref.partition, ref.offset))
    return None if record is None else record.value or b""
