"""Tickets of the archive in the words of other systems, written piece by piece: memory does not grow with them."""

from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO, Literal, NamedTuple

from hotline.output import json_line
from schemas.records import Ticket
from tickets.export import service_request, ticket_form
from tickets.export.open311 import xml_element
from tickets.export.zammad import GROUP

Format = Literal["open311-json", "open311-xml", "zammad"]


class Choices(NamedTuple):
    """Values that the formats leave open."""

    media_base_url: str | None = None
    zammad_group: str = GROUP
    zammad_customer: str | None = None


class _Form(NamedTuple):
    """Text before, between and after the tickets of a document, and the form of a ticket."""

    begin: bytes
    one: Callable[[Ticket, Choices], bytes]
    between: bytes
    end: bytes


def _json(ticket: Ticket, chosen: Choices) -> bytes:
    return json_line(service_request(ticket, chosen.media_base_url))


def _xml(ticket: Ticket, chosen: Choices) -> bytes:
    return xml_element(service_request(ticket, chosen.media_base_url))


def _zammad(ticket: Ticket, chosen: Choices) -> bytes:
    form = ticket_form(ticket, group=chosen.zammad_group, customer=chosen.zammad_customer)
    return json_line(form) + b"\n"


_FORMS: Mapping[str, _Form] = MappingProxyType(
    {
        "open311-json": _Form(b"[", _json, b",\n", b"]\n"),
        "open311-xml": _Form(
            b'<?xml version="1.0" encoding="utf-8"?>\n<service_requests>\n', _xml, b"\n", b"\n</service_requests>\n"
        ),
        "zammad": _Form(b"", _zammad, b"", b""),
    }
)


async def export(tickets: AsyncIterator[Ticket], form: Format, out: BinaryIO, chosen: Choices) -> int:
    """Write the tickets and return their number."""
    shape, count = _FORMS[form], 0
    out.write(shape.begin)
    async for ticket in tickets:
        out.write((shape.between if count else b"") + shape.one(ticket, chosen))
        count += 1
    out.write(shape.end)
    return count
