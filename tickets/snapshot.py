"""The body of a ticket: what a decision and the message it files make of the last snapshot."""

import hashlib
import hmac

from msgspec.structs import replace

from schemas import ids
from schemas.records import Event, Message, Ticket, event
from schemas.records.common import Emergency, Party
from schemas.records.ticket import Category, Lineage, Location, Origin, Proposal, Requester
from tickets.policy import TicketPolicy
from tickets.state import CLOSED

TITLE_CHARACTERS = 100
"""B11: 标题 has at most 100 characters."""

_LEVELS = {"mentioned": 0, "urgent": 1, "critical": 2}


def open_ticket(message: Message, decision: Event, opened: event.Opened, policy: TicketPolicy) -> Ticket:
    """Return the first snapshot of a new ticket."""
    code = ids.query_code(policy.query_key, opened.ticket_id)
    return Ticket(
        ticket_id=opened.ticket_id,
        ticket_no=opened.ticket_no,
        query_code_hash=hmac.digest(policy.query_key, f"query_code_hash\n{code}".encode(), hashlib.sha256).hex(),
        version=1,
        jurisdiction=message.jurisdiction,
        status="received",
        status_at=decision.at,
        channel=message.channel,
        channel_kind=message.channel_kind,
        channel_account=message.account,
        channels=(message.channel,),
        origin=_origin(message),
        request_kind=_found(message, "request_kind"),
        request_kind_source="requester" if _found(message, "request_kind") else None,
        category=_category(message),
        title=title_of(message),
        text=message.text,
        search_text=message.search_text,
        requester=_requester(message),
        anonymous="given" if message.sender and message.sender.kind != "name" else "not_given",
        location=_location(message),
        received_at=message.received_at,
        ingested_at=message.ingested_at,
        updated_at=decision.at,
        first_message_id=message.message_id,
        message_count=1,
        attachments=message.attachments,
        urgency=_urgency(message.emergency),
        emergency=message.emergency,
        related=opened.related,
        cluster_id=opened.ticket_id,
        proposals=_proposals(decision, opened.ticket_id),
        lineage=_lineage((message.message_id,), message, policy),
    )


def file_message(ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy) -> Ticket:
    """Return the ticket with one more message in it; text that only repeats is not written twice."""
    says_more = decision.relation != "same_person_same_matter"
    reopened = any(isinstance(change, event.Reopened) for change in decision.changes)
    limit = policy.max_text_characters
    return replace(
        ticket,
        status="reopened" if reopened else ticket.status,
        status_at=decision.at if reopened else ticket.status_at,
        closed_at=None if reopened else ticket.closed_at,
        channels=_with(ticket.channels, message.channel),
        text=_append(ticket.text, message.text, limit) if says_more else ticket.text,
        search_text=_append(ticket.search_text, message.search_text, limit) if says_more else ticket.search_text,
        requester=_merge_requester(ticket.requester, _requester(message)),
        location=ticket.location or _location(message),
        request_kind=ticket.request_kind or _found(message, "request_kind"),
        category=ticket.category or _category(message),
        updated_at=decision.at,
        message_count=ticket.message_count + 1,
        attachments=_more_files(ticket, message) if says_more else ticket.attachments,
        urgency=max(ticket.urgency, _urgency(message.emergency), key=_URGENCIES.index),
        emergency=_worse(ticket.emergency, message.emergency),
        proposals=(*ticket.proposals, *_proposals(decision, ticket.ticket_id)),
        lineage=_lineage((*ticket.lineage.message_ids, message.message_id), message, policy),
    )


def set_status(ticket: Ticket, decision: Event, change: event.StatusSet) -> Ticket:
    """Return the ticket in another stage of its life."""
    closed_at = decision.at if change.status in CLOSED else None
    return replace(ticket, status=change.status, status_at=decision.at, closed_at=closed_at, updated_at=decision.at)


def title_of(message: Message) -> str | None:
    """Return the message's title, else its first words; None when it says nothing."""
    text = message.title or message.text.strip().split("\n", 1)[0]
    return text[:TITLE_CHARACTERS] or None


_URGENCIES = ("normal", "urgent", "critical")


def _urgency(emergency: Emergency | None) -> str:
    return emergency.level if emergency and emergency.level in _URGENCIES else "normal"


def _worse(one: Emergency | None, other: Emergency | None) -> Emergency | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda emergency: _LEVELS.get(emergency.level, 1))


def _found(message: Message, kind: str) -> str | None:
    return next((finding.value for finding in message.findings if finding.kind == kind), None)


def _category(message: Message) -> Category | None:
    code = _found(message, "category")
    return Category(code=code, scheme="as_given", version="1", source="requester") if code else None


def _origin(message: Message) -> Origin | None:
    hotline, external = _found(message, "hotline_code"), _found(message, "external_ticket_no")
    return Origin(hotline_code=hotline, external_ticket_no=external) if hotline or external else None


def _location(message: Message) -> Location | None:
    place = _found(message, "place")
    return Location(text=place) if place else None


def _requester(message: Message) -> Requester:
    sender = message.sender
    if sender is None:
        return Requester()
    known = {"phone": "phone", "email": "email", "openid": "openid", "uid": "weibo_uid"}.get(sender.kind)
    name = sender.name or (sender.value if sender.kind == "name" else None)
    own = next(iter(message.features.requesters), None)
    return Requester(id=own, name=name, identities=(sender,), **({known: sender.value} if known else {}))


def _merge_requester(first: Requester, more: Requester) -> Requester:
    return replace(
        first,
        name=first.name or more.name,
        phone=first.phone or more.phone,
        email=first.email or more.email,
        openid=first.openid or more.openid,
        weibo_uid=first.weibo_uid or more.weibo_uid,
        identities=_parties((*first.identities, *more.identities)),
    )


def _parties(parties: tuple[Party, ...]) -> tuple[Party, ...]:
    return tuple({(party.kind, party.value): party for party in reversed(parties)}.values())[::-1]


def _proposals(decision: Event, ticket_id: str) -> tuple[Proposal, ...]:
    return tuple(
        Proposal(proposal_id=change.proposal_id, relation=change.relation, target=change.target, score=change.score)
        for change in decision.changes
        if isinstance(change, event.Proposed) and change.ticket_id == ticket_id
    )


def _lineage(message_ids: tuple[str, ...], message: Message, policy: TicketPolicy) -> Lineage:
    versions = {finding.kind: finding.version for finding in message.findings}
    return Lineage(
        message_ids=message_ids[-policy.lineage_messages :], policy_version=policy.version, rules_versions=versions
    )


def _append(text: str, more: str, limit: int) -> str:
    """Add a later message's text; over the limit the ticket keeps the beginning, the archive keeps the message."""
    return f"{text}\n\n{more}"[:limit] if text and more else text or more


def _more_files(ticket: Ticket, message: Message) -> tuple[object, ...]:
    there = {attachment.sha256 for attachment in ticket.attachments if attachment.sha256}
    return (*ticket.attachments, *(file for file in message.attachments if file.sha256 not in there))


def _with(known: tuple[str, ...], one: str) -> tuple[str, ...]:
    return known if one in known else (*known, one)
