"""Builds the body and headers of a webhook request from a Kafka record; pure."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, cast
from urllib.parse import quote

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from schemas import topics
from schemas.codec import decode, encode
from schemas.envelope import FIRST_WRITTEN, Envelope, Headers
from schemas.errors import RecordError, SchemaError
from schemas.records import Ticket
from sinks.base import Document
from sinks.webhook.settings import FilterSettings, SubscriberSettings
from tickets.codes import is_below
from tickets.erasure import blackout
from tickets.export import service_request, service_requests_json, service_requests_xml, ticket_form

JSON = "application/json"

_KEY = re.compile(rb"[A-Za-z0-9_-]{1,128}")
"""A ticket's id. It has no dot and no colon: they separate the id from the rest in signature and delivery id."""

_TOLD = ("specversion", "id", "source", "type", "time", "subject", "dataschema", "sequence", "jurisdiction")
"""The attributes that are sent; never `ce_sender` or an attribute of a later version."""

_ERASED, _REDACTED, _LEVELLED = b'"erased":true', b'"redacted_version":', b'"confidentiality_version":'
"""In the snapshot of a ticket that lost words or readers; in a text its quotes would be escaped."""

KEPT = timedelta(milliseconds=int(topics.TOPICS[topics.TICKET_MASKED].extra["min.compaction.lag.ms"]))
"""Kafka keeps each snapshot of a ticket for this long; of older ones perhaps only the newest."""

_PLAIN = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("%", "")
"""What CloudEvents' HTTP binding leaves unescaped in a header."""


class Body(NamedTuple):
    """The body and the headers that describe it."""

    content: bytes
    headers: dict[str, str]


def version_of(document: Document) -> int:
    """Return the ticket's version. Raises SchemaError if the record has none."""
    text = dict(document.headers).get("ce_sequence", b"")
    if not (text.isdigit() and len(text) <= 18):
        raise SchemaError("ce_sequence is not the version of the record: check its producer")
    return int(text)


def delivery_id(subscriber: str, document: Document) -> str:
    """Return the permanent id of a delivery, so that a receiver recognises a repeat. Raises SchemaError."""
    if not _KEY.fullmatch(document.key):
        raise SchemaError("the key of the record is not a ticket id: check its producer")
    return f"{subscriber}:{document.key.decode()}:{version_of(document)}"


def may_be_read(document: Document, chosen: FilterSettings) -> bool:
    """Return whether a subscriber may read tickets of this level (保密). Raises SchemaError for any other record."""
    if not chosen.confidentiality:
        return True
    ticket = decode(document.value, Ticket)
    return ticket.erased or ticket.confidentiality in chosen.confidentiality


def is_wanted(document: Document, chosen: FilterSettings) -> bool:
    """Return whether a filter passes a ticket. Raises SchemaError if it cannot be read."""
    if chosen == _EVERYTHING:
        return True
    ticket = decode(document.value, Ticket)
    if not _among(chosen.jurisdictions, [ticket.jurisdiction]):
        return False
    if chosen.since is not None and ticket.updated_at < chosen.since:
        return False
    if ticket.erased:  # a subscriber that may hold the ticket must learn that it is gone
        return True
    level = [ticket.emergency.level] if ticket.emergency else []
    return (
        _among(chosen.kinds, [ticket.request_kind or "unknown"])
        and _among(chosen.statuses, [ticket.status])
        and _among(chosen.channels, [ticket.channel, *ticket.channels])
        and _among(chosen.emergency_levels, level)
        and _among(chosen.confidentiality, [ticket.confidentiality])
        and (
            not chosen.categories
            or (ticket.category is not None and any(is_below(ticket.category.code, one) for one in chosen.categories))
        )
        and not (chosen.first_version_only and not _is_first(document, ticket))
    )


def outgoing(document: Document, chosen: FilterSettings, known: int, now: datetime) -> Document | None:
    """Return the request for a record, or None. Raises as `is_wanted` does.

    A subscriber that may hold the ticket gets its redaction, and a level (保密) that it may not read, whatever the
    filter says: if the filter excludes the ticket, as a snapshot without words. `known` is the last version that
    removed words and that the subscriber knows. A record whose snapshot may be compacted away carries the redaction,
    too.
    """
    if is_wanted(document, chosen):
        return document
    version = lost_in(document, chosen)
    if version <= known:
        return None
    ticket = decode(document.value, Ticket)
    if ticket.version != version and now - ticket.updated_at < KEPT:
        return None
    if is_wanted(document, chosen.model_copy(update={"first_version_only": False})):
        return document
    for_all = FilterSettings(jurisdictions=chosen.jurisdictions, since=chosen.since)
    if not is_wanted(document, for_all):
        return None
    return document._replace(value=encode(blackout.withheld(replace(ticket, redacted_version=version))))


def is_notice(document: Document) -> bool:
    """Return whether this is a snapshot without words, which may always be sent; an unreadable one is not."""
    try:
        ticket = decode(document.value, Ticket)
    except SchemaError:
        return False
    return ticket == replace(blackout.withheld(ticket), schema_version=ticket.schema_version)


def lost_in(document: Document, chosen: FilterSettings) -> int:
    """Return the last version that removed words from the subscriber: by a redaction, or by a level that it may not
    read.

    0 without one, as for a ticket of this level from the beginning. Raises SchemaError.
    """
    if _LEVELLED not in document.value or may_be_read(document, chosen):
        return redaction_of(document)
    ticket = decode(document.value, Ticket)
    level = 0 if _is_first(document, ticket) else cast(int, ticket.confidentiality_version)
    return max(level, redaction_of(document))


def redaction_of(document: Document) -> int:
    """Return the version of the last redaction, 0 without one. Raises SchemaError."""
    return cast(int, decode(document.value, Ticket).redacted_version) if _REDACTED in document.value else 0


def void_below(document: Document) -> int:
    """Return the version below which no word of the ticket may be sent any more, 0 for none. Raises SchemaError."""
    return version_of(document) if _ERASED in document.value else redaction_of(document)


def _is_first(document: Document, ticket: Ticket) -> bool:
    """Return whether this is the ticket's first snapshot; a ticket that changed when it was opened has a later
    version.
    """
    return ticket.version == 1 or FIRST_WRITTEN in document.headers


_EVERYTHING = FilterSettings()


def body_of(document: Document, settings: SubscriberSettings) -> Body:
    """Return the body for the subscriber. Raises RecordError if there can be none."""
    try:
        return _FORMATS[settings.format](document, settings)
    except RecordError:
        raise
    except Exception as error:  # an internal error on one ticket: it becomes a dead letter, and the next goes on
        raise RecordError(type(error).__name__) from error


def _ticket(document: Document, _: SubscriberSettings) -> Body:
    """Return the record's bytes unchanged, with its attributes in headers: CloudEvents' binary mode."""
    if not (document.value.startswith(b"{") and document.value.endswith(b"}")):
        raise SchemaError("the value of the record is not a JSON object: check its producer")
    return Body(document.value, {"content-type": JSON, **_attributes(document.headers, "ce-")})


def _cloudevent(document: Document, _: SubscriberSettings) -> Body:
    """Return the record's bytes in an event with its attributes: CloudEvents' structured mode."""
    Envelope.of(document.headers)  # raises what is missing
    decode(document.value, Ticket)
    event = {**_attributes(document.headers, ""), "datacontenttype": JSON, "data": msgspec.Raw(document.value)}
    return Body(msgspec.json.encode(event), {"content-type": "application/cloudevents+json; charset=utf-8"})


def _open311_json(document: Document, settings: SubscriberSettings) -> Body:
    request = service_request(decode(document.value, Ticket), settings.media_base_url)
    return Body(service_requests_json([request]), {"content-type": f"{JSON}; charset=utf-8"})


def _open311_xml(document: Document, settings: SubscriberSettings) -> Body:
    request = service_request(decode(document.value, Ticket), settings.media_base_url)
    return Body(service_requests_xml([request]), {"content-type": "text/xml; charset=utf-8"})


def _zammad(document: Document, settings: SubscriberSettings) -> Body:
    ticket = decode(document.value, Ticket)
    replaces = not _is_first(document, ticket) and ticket.redacted_version is not UNSET
    replaces = replaces and (settings.filter.first_version_only or ticket.redacted_version == ticket.version)
    form = ticket_form(ticket, group=settings.zammad_group, customer=settings.zammad_customer, replaces=replaces)
    return Body(msgspec.json.encode(form), {"content-type": JSON})


_FORMATS: Mapping[str, Callable[[Document, SubscriberSettings], Body]] = MappingProxyType(
    {
        "ticket": _ticket,
        "cloudevent": _cloudevent,
        "open311-json": _open311_json,
        "open311-xml": _open311_xml,
        "zammad": _zammad,
    }
)


def _attributes(headers: Headers, prefix: str) -> dict[str, str]:
    there = {name: value.decode("utf-8", "replace") for name, value in headers}
    found = {name: there[f"ce_{name}"] for name in _TOLD if f"ce_{name}" in there}
    if not prefix:
        return found
    trace = {"traceparent": quote(there["traceparent"], safe=_PLAIN)} if "traceparent" in there else {}
    return {f"{prefix}{name}": quote(value, safe=_PLAIN) for name, value in found.items()} | trace


def _among(wanted: tuple[str, ...], found: list[str]) -> bool:
    return not wanted or any(one in wanted for one in found)
