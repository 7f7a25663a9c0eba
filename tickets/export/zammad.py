"""Zammad: a ticket as the form that `POST /api/v1/tickets` takes, with its first article and its customer.

Fields: https://docs.zammad.org/en/latest/api/ticket/index.html, .../articles.html.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.records import Ticket
from tickets.lifecycle import CLOSED
from tickets.snapshot.build import TITLE_CHARACTERS

GROUP = "Users"
"""The group that every Zammad has."""

PRIORITIES: Mapping[str, str] = MappingProxyType({"normal": "2 normal", "urgent": "3 high", "critical": "3 high"})
"""Zammad's three priorities by our urgency (紧急程度)."""

_TYPES: Mapping[str, str] = MappingProxyType({"phone": "phone", "web": "web"})
"""Zammad's type of an article by our channel. All others are notes: creating an `email` or `sms` can send one."""

_ERASURE = "删除个人信息: 工单 {} (erased, delete what you hold of it)"
"""An erasure is work for a person: Zammad has no door that finds our ticket in it."""

_REDACTION = "涂黑个人信息: 工单 {} (redacted, this takes the place of what you hold of it)"
"""So is a redaction."""

_NOT_YET = frozenset({"received", "screened"})
"""Nobody has looked at it."""


def ticket_form(
    ticket: Ticket, *, group: str = GROUP, customer: str | None = None, replaces: bool = False
) -> dict[str, Any]:
    """Return the form that opens the ticket in `group`; it `replaces` one from which words were taken since.

    Zammad finds or makes the customer by mail address. Who has none (and everybody, when the snapshot is masked) is
    the `customer`, login or mail address of an existing user; without one Zammad takes the API's own user.
    """
    title = _title(ticket, replaces=replaces)
    form: dict[str, Any] = {
        "title": title,
        "group": group,
        "state": "open" if ticket.erased or replaces else _state(ticket),
        "priority": PRIORITIES.get(ticket.urgency, PRIORITIES["normal"]),
        "note": _note(ticket),
        "tags": ",".join([*(label.replace(",", " ") for label in ticket.labels), ticket.ticket_no]),
        "article": {
            "subject": title,
            "body": ticket.text or title,
            "content_type": "text/plain",
            "type": _TYPES.get(ticket.channel, "note"),
            "sender": "Customer",
            "internal": ticket.confidentiality != "public",
        },
    }
    return form | _customer(ticket, customer)


def _title(ticket: Ticket, *, replaces: bool) -> str:
    if ticket.erased or replaces:
        return (_ERASURE if ticket.erased else _REDACTION).format(ticket.ticket_no)
    return ticket.title or ticket.text.strip().partition("\n")[0][:TITLE_CHARACTERS] or ticket.ticket_no


def _customer(ticket: Ticket, fallback: str | None) -> dict[str, str]:
    if ticket.requester.email:
        return {"customer_id": f"guess:{ticket.requester.email}"}
    return {"customer": fallback} if fallback else {}


def _state(ticket: Ticket) -> str:
    """Return one of the states that every Zammad has."""
    if ticket.status in CLOSED:
        return "closed"
    return "new" if ticket.status in _NOT_YET else "open"


def _note(ticket: Ticket) -> str:
    """Return what has no field of its own: our number and status, and who asks when no mail address says it."""
    who = (ticket.requester.name, ticket.requester.phone)
    asked = f"诉求人 {' '.join(part for part in who if part)}" if any(who) else None
    return "; ".join(part for part in (f"工单编号 {ticket.ticket_no}", ticket.status, asked) if part)
