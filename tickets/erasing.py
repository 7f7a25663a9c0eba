"""The snapshot after personal data went: blacked out where it stood, or an empty one that only says so."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from normalizers.text import fold
from schemas.records import Ticket, event
from schemas.records.ticket import Category, Requester
from tickets.codes import AS_GIVEN
from tickets.masking import drawn_title, known_of, origin_without
from tickets.spans import known_spans

BLACK = "■"
"""Another sign than the mask's: this text is gone for everybody."""

_EMPTY: dict[str, Any] = {
    "title": None,
    "text": "",
    "summary": None,
    "requester": Requester(),
    "location": None,
    "attachments": (),
    "result": None,
}


def redacted(ticket: Ticket, change: event.Redacted) -> Ticket:
    """Return the ticket without these fields, and without the words of the spans wherever they stand.

    A title that is only the beginning of the text goes the way of the text. What was known of a requester who goes
    leaves the words as well, those of another system, too: nobody could hide it from analysts any more.
    """
    known = known_of(ticket.requester) if "requester" in change.fields else ()
    secrets = {ticket.text[start:end] for start, end in change.spans} - {""}
    text = _black_spans(ticket.text, change.spans)
    drawn = drawn_title(ticket)
    title = ticket.title if drawn is None else text[drawn]
    fields = {*change.fields, "title"} if drawn is not None and "text" in change.fields else {*change.fields}
    black = partial(_blackened, secrets=secrets, known=known)
    origin = origin_without(ticket.origin, known)
    if origin is not None:
        origin = replace(origin, external_ticket_no=black(origin.external_ticket_no))
    ticket = replace(
        ticket,
        text=black(text) or "",
        title=black(title),
        summary=black(ticket.summary),
        location=replace(ticket.location, text=black(ticket.location.text)) if ticket.location else None,
        result=replace(ticket.result, text=black(ticket.result.text)) if ticket.result else None,
        attachments=tuple(replace(file, name=black(file.name)) for file in ticket.attachments),
        origin=origin,
        category=_category_without(ticket.category, secrets, known),
    )
    ticket = replace(ticket, **{name: _EMPTY[name] for name in fields if name in _EMPTY})
    return replace(ticket, search_text=fold("\n".join(one for one in (ticket.title, ticket.text) if one)))


def erased(ticket: Ticket) -> Ticket:
    """Return the empty snapshot: ids, times, the stage and the cluster; nothing of anybody."""
    return Ticket(
        ticket_id=ticket.ticket_id,
        ticket_no=ticket.ticket_no,
        version=ticket.version,
        jurisdiction=ticket.jurisdiction,
        status="archived",
        status_at=ticket.updated_at,
        closed_at=ticket.updated_at,
        channel=ticket.channel,
        channel_kind=ticket.channel_kind,
        channel_account=ticket.channel_account,
        anonymous="withheld_on_request",
        confidentiality="restricted",
        received_at=ticket.received_at,
        ingested_at=ticket.ingested_at,
        updated_at=ticket.updated_at,
        first_message_id=ticket.first_message_id,
        message_count=ticket.message_count,
        edges=ticket.edges,
        cluster_id=ticket.cluster_id,
        cluster_no=ticket.cluster_no,
        erased=True,
    )


def unknown(ticket_id: str, jurisdiction: str, at: datetime) -> Ticket:
    """Return what stands for a ticket that only the archive has, before it is erased there."""
    return Ticket(
        ticket_id=ticket_id,
        ticket_no="",
        version=0,
        jurisdiction=jurisdiction,
        status="archived",
        status_at=at,
        channel="unknown",
        channel_kind="unknown",
        channel_account="unknown",
        received_at=at,
        ingested_at=at,
        updated_at=at,
        first_message_id="",
        message_count=0,
        cluster_id=ticket_id,
    )


def _black_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    characters = list(text)
    for start, end in spans:
        characters[start:end] = BLACK * len(characters[start:end])
    return "".join(characters)


def _category_without(category: Category | None, secrets: Iterable[str], known: Sequence[str]) -> Category | None:
    """Return the category, but none in another system's words that hold one of these."""
    if category is None or category.scheme != AS_GIVEN:
        return category
    return category if _blackened(category.code, secrets, known) == category.code else None


def _blackened(text: str | None, secrets: Iterable[str], known: Sequence[str]) -> str | None:
    """Return the words without the secrets, and without what is known of a requester, wherever it stands."""
    if text is None:
        return None
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, BLACK * len(secret))
    return _black_spans(text, known_spans(text, known)) if known else text
