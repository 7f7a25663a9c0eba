"""Public view of a request: its progress, and its masked text if the city permits it. No persons."""

from collections.abc import Iterator
from datetime import datetime

from connectors.web.settings import WebSettings
from schemas.enums import OPEN_TO_ALL, STATUSES
from schemas.ids import SHANGHAI
from schemas.records import Ticket
from tickets.export import service_request
from tickets.export.open311 import ServiceRequest, refusal_of
from tickets.lifecycle import CLOSED

_WORDS = ("description", "address")
_TIMES = ("requested_datetime", "updated_datetime", "expected_datetime")


def is_open(ticket: Ticket) -> bool:
    """Return whether the public may know that the request exists (保密)."""
    return ticket.confidentiality in OPEN_TO_ALL and not ticket.erased


def day(at: datetime) -> str:
    """Return the day of a time as its first second: an observer of the citizen's call or visit knows the minute."""
    return at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0).isoformat(timespec="seconds")


def request_of(ticket: Ticket, name: str, settings: WebSettings) -> ServiceRequest:
    """Return the fields of GET requests; `name` is the id that the client used."""
    made = service_request(ticket)
    has_words = settings.told == "masked" and is_open(ticket) and ticket.masked
    return {
        **made,
        **({} if has_words else dict.fromkeys(_WORDS)),
        **{field: day(datetime.fromisoformat(at)) for field in _TIMES if (at := made[field])},
        "service_request_id": name,
        "status_notes": "; ".join(_notes(ticket, has_words=has_words)),
        "media_url": None,
    }


def updates_of(ticket: Ticket, name: str) -> list[dict[str, str | None]]:
    """Return the progress of the request, oldest first, in FixMyStreet's extension of Open311."""
    return [
        {
            "update_id": f"{name}.{number}",
            "service_request_id": name,
            "status": "closed" if status in CLOSED else "open",
            "updated_datetime": day(at),
            "description": described(status),
            "media_url": None,
        }
        for number, (status, at) in enumerate(stages(ticket))
    ]


def stages(ticket: Ticket) -> Iterator[tuple[str, datetime]]:
    """Yield the stages (办理过程) with their times, oldest first."""
    yield "received", ticket.received_at
    told = [(step.status, step.at) for step in ticket.history]
    yield from told
    if ticket.status != "received" and not told:  # from before stages were stored
        yield ticket.status, ticket.status_at


def described(status: str) -> str:
    """Return a stage with its 中文."""
    return f"{status} {STATUSES[status]}" if status in STATUSES else status


def _notes(ticket: Ticket, *, has_words: bool) -> Iterator[str]:
    yield "erased" if ticket.erased else described(ticket.status)
    if refused := refusal_of(ticket):
        yield from filter(None, (refused.reason, refused.text))
    if has_words and ticket.result and ticket.result.text:
        yield ticket.result.text
