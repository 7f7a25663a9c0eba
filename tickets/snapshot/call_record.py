"""A later record of a call in its ticket: its words are added to those of the earlier records."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from normalizers.assembly import text_of_records
from normalizers.pipeline import titled
from normalizers.text.fold import fold
from schemas.records import Event, Message, Ticket
from tickets.codes import AFTER_REDACTION
from tickets.model import limits
from tickets.policy import TicketPolicy
from tickets.snapshot import build


def file_record(
    ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy, records: Sequence[Message]
) -> Ticket:
    """Return the ticket with one more record; `records` are those of its call, the newest last, `message` all of them.

    No word leaves the ticket: the call's text grows in place, else the record's own words are added.
    """
    if decision.method == AFTER_REDACTION:
        return build.file_silently(ticket, message, decision, policy)
    filed = build.file_message(ticket, message, decision, policy)
    if {one.message_id for one in records}.issuperset({ticket.first_message_id}):
        filed = replace(filed, **_afresh(filed, message, policy))
    *earlier, own = records
    before, now = text_of_records(earlier), text_of_records(records)
    added = [one for one in (own.call.note, own.call.transcript) if one.strip()] if own.call else []
    titles = [one for one in (ticket.title, own.call.subject if own.call else None) if one]
    added += [one for one in titles if one not in (filed.title or "")]
    search = (fold(titled(message.title, before)), limits.beginning(message.search_text, limits.MESSAGE_CHARACTERS))
    most = policy.max_text_characters
    return replace(
        filed,
        text=_grown(filed.text, before, now, added, most),
        search_text=_grown(filed.search_text, *search, [fold(one) for one in added], most),
    )


def _grown(text: str, before: str, now: str, added: Sequence[str], limit: int) -> str:
    """Return a text with `now` instead of `before`, followed by the parts of `added` that it lacks."""
    if before and before != now:
        told = limits.instead(text, before, now, limit)
        text = told if told is not None else text
    for words in added:
        if words not in text:
            text = limits.joined(text, words, limit)
    return text


def _afresh(ticket: Ticket, message: Message, policy: TicketPolicy) -> dict[str, Any]:
    """Return the matter by the present words of the call; a clerk's decision stays."""
    said: dict[str, Any] = {"title": build.title_of(message) or ticket.title}
    if ticket.request_kind_source != "clerk":
        said |= build.request_kind_of(message)
    if ticket.category is None or ticket.category.source != "clerk":
        said["category"] = build.category_of(message, policy) or ticket.category
    return said
