"""What a later record of a call makes of its ticket: the call's words in place of those it told before."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from normalizers.calls import joined
from schemas.records import Event, Message, Ticket
from tickets import limits, snapshot
from tickets.deciders.call_record import AFTER_REDACTION
from tickets.policy import TicketPolicy


def file_record(
    ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy, earlier: Sequence[Message]
) -> Ticket:
    """Return the ticket with one more record; `message` tells what all of them tell, `earlier` are those before it.

    Words of other messages stay. Where the earlier records are not known any more, its own words are added.
    """
    if decision.method == AFTER_REDACTION:
        return snapshot.file_silently(ticket, message, decision, policy)
    filed = snapshot.file_message(ticket, message, decision, policy)
    before = joined(earlier, policy.joining) if earlier else None
    known = {message.message_id, *(one.message_id for one in earlier)}
    alone = ticket.message_count < len(known) and known.issuperset(ticket.lineage.message_ids)
    place = partial(_in_place, alone=alone, limit=policy.max_text_characters)
    folded = limits.beginning(message.search_text, limits.MESSAGE_CHARACTERS)
    told = replace(
        filed,
        text=place(filed.text, before.text if before else "", message.text),
        search_text=place(filed.search_text, before.search_text if before else "", folded),
    )
    return replace(told, **_afresh(told, message, policy)) if ticket.first_message_id in known else told


def _in_place(whole: str, before: str, now: str, *, alone: bool, limit: int) -> str:
    """Put words in the place of those before them; corrected ones stay where another message may have said the same.

    What stands within another message's words is that one's own, and stays as it is.
    """
    if not now or now == before:
        return whole
    if before and (alone or before in now) and (told := limits.instead(whole, before, now, limit)) is not None:
        return told
    return whole if now in whole else limits.joined(whole, now, limit)


def _afresh(ticket: Ticket, message: Message, policy: TicketPolicy) -> dict[str, Any]:
    """Return what the call's words tell of the matter now; a clerk's word stays."""
    said: dict[str, Any] = {"title": snapshot.title_of(message) or ticket.title}
    if ticket.request_kind_source != "clerk":
        said |= snapshot.request_kind_of(message)
    if ticket.category is None or ticket.category.source != "clerk":
        said["category"] = snapshot.category_of(message, policy) or ticket.category
    return said
