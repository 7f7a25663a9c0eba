"""Open311 GeoReport v2: a ticket as the service request that `GET /requests` answers, in JSON and XML.

The names and their order are those of https://wiki.open311.org/GeoReport_v2. A service request names no
requester: what a masked snapshot hides cannot come back here.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, tostring  # nothing is parsed

import msgspec
from msgspec import UNSET

from schemas.ids import SHANGHAI
from schemas.records import Ticket
from schemas.records.ticket import Acceptance
from tickets.lifecycle import CLOSED

ServiceRequest = dict[str, str | None]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "consultation": "咨询",
        "help_request": "求助",
        "complaint": "投诉",
        "report": "举报",
        "suggestion": "建议",
        "praise": "表扬",
    }
)
"""The kinds of requests (诉求类型) by their names; every other one is 其他."""

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write, not even escaped."""

_WITHHELD = "本件严格保密，内容不公开"

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def service_request(ticket: Ticket, media_base_url: str | None = None) -> ServiceRequest:
    """Return the fields of a service request; None is "not known".

    `media_base_url` is where the blob store can be read over HTTP. A masked ticket names no media: nobody has looked
    what a picture shows. Of a restricted one (严格保密) neither words, place, result nor media go out.
    """
    code, name = _service(ticket)
    told = _may_be_told(ticket)
    return {
        "service_request_id": ticket.ticket_no,
        "status": "closed" if ticket.status in CLOSED or ticket.erased else "open",
        "status_notes": _notes(ticket),
        "service_name": name,
        "service_code": code,
        "description": _description(ticket) if told else None,
        "agency_responsible": ticket.dispatch.organizer_name if ticket.dispatch else None,
        "service_notice": None if told else _WITHHELD,
        "requested_datetime": _time(ticket.received_at),
        "updated_datetime": _time(ticket.updated_at),
        "expected_datetime": _time(_expected(ticket)),
        "address": ticket.location.text if ticket.location and told else None,
        "address_id": None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": _media(ticket, media_base_url) if told else None,
    }


def service_requests_json(requests: Iterable[ServiceRequest]) -> bytes:
    """Return the answer's JSON: an array, also of one."""
    return msgspec.json.encode(list(requests))


def service_requests_xml(requests: Iterable[ServiceRequest]) -> bytes:
    """Return the answer's XML; what is not known is an empty element, what XML cannot hold is U+FFFD."""
    root = Element("service_requests")
    root.extend(_element(one) for one in requests)
    return (_DECLARATION + tostring(root, encoding="unicode")).encode()


def xml_element(request: ServiceRequest) -> bytes:
    """Return one `<request>`, for an answer that is written piece by piece."""
    return tostring(_element(request), encoding="unicode").encode()


def _element(request: ServiceRequest) -> Element:
    made = Element("request")
    for name, value in request.items():
        SubElement(made, name).text = NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value) if value else None
    return made


def _service(ticket: Ticket) -> tuple[str, str]:
    """Return code and name of the category (事项分类), else of the kind of request."""
    if ticket.category:
        return ticket.category.code, " / ".join(ticket.category.path) or ticket.category.code
    kind = ticket.request_kind or ""
    return (kind, KINDS[kind]) if kind in KINDS else ("other", "其他")


def _may_be_told(ticket: Ticket) -> bool:
    """Return True if what was said may be published: of minors, reports and self-harm nothing is."""
    return ticket.confidentiality != "restricted"


def _description(ticket: Ticket) -> str | None:
    """Return title and text; a title that is only the text's beginning (of a message without one) is not said twice."""
    drawn = ticket.title and ticket.text.lstrip().startswith(ticket.title)
    return "\n".join(part for part in ("" if drawn else ticket.title, ticket.text) if part) or None


def _notes(ticket: Ticket) -> str:
    """Return our own status, which says more than open or closed, what a duplicate is of, and the result (办理结果)."""
    refused = refusal_of(ticket)
    twin = f"Duplicate of {ticket.cluster_no or ticket.cluster_id}" if ticket.cluster_id != ticket.ticket_id else None
    result = ticket.result.text if ticket.result and _may_be_told(ticket) else None
    why = (refused.reason, refused.text) if refused else ()
    notes = ("erased" if ticket.erased else ticket.status, *why, twin, result)
    return "; ".join(note for note in notes if note)


def refusal_of(ticket: Ticket) -> Acceptance | None:
    """Return why a ticket was not accepted (不予受理), if that is how it ended: its citizen must be told."""
    is_over = ticket.status in ("not_accepted", "archived") and not ticket.erased
    known = ticket.acceptance if is_over and ticket.acceptance else None
    return known if known and known.decision == "not_accepted" else None


def _expected(ticket: Ticket) -> datetime | None:
    """Return until when the matter should be resolved; what is not accepted never will be."""
    if refusal_of(ticket):
        return None
    known = () if ticket.deadlines is UNSET else ticket.deadlines
    return next((deadline.due_at for deadline in known if deadline.clock == "resolve"), None)


def _media(ticket: Ticket, base: str | None) -> str | None:
    if base is None or ticket.masked:
        return None
    paths = (attachment.dataref for attachment in ticket.attachments)
    return next((f"{base.rstrip('/')}/{path}" for path in paths if path), None)


def _time(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at else None
