"""Body of a ticket: the last snapshot, changed by a decision and the message that it files."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from normalizers.enrich import category, merged_hotlines
from normalizers.enrich.confidentiality import ANONYMOUS, WITHHELD
from normalizers.pipeline import titled
from normalizers.text.fold import fold
from schemas import ids
from schemas.ids import keyed_digest
from schemas.records import Event, Message, Ticket, event
from schemas.records.ticket import Acceptance, Category, Lineage, Origin, Proposal, StatusStep
from tickets.codes import AS_GIVEN, RECORD_OF_CALL, SAME_MAIL, SAME_NAME
from tickets.dedupe.similarity import METHODS as NEAR
from tickets.emergency import alarmed, urgency_of, without_spans
from tickets.model import limits
from tickets.model.ticket_state import with_more
from tickets.policy import TicketPolicy
from tickets.snapshot import fields
from tickets.snapshot.fields import requester_of, with_sender

TITLE_CHARACTERS = 100
"""Most characters of 标题."""

KIND_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "consultation": "consultation",
        "help_request": "help_request",
        "complaint": "complaint_opinion_suggestion",
        "suggestion": "complaint_opinion_suggestion",
        "report": "report_of_violation",
        "praise": "praise",
    }
)
"""The five groups of the request kinds; `other` and `unknown` are in none."""

_REPLIES = re.compile(r"(?:\s*(?:re|fwd?|aw|回复|答复|转发)\s*[:：])+", re.IGNORECASE)
"""Prefixes of the title of a mail that answers or forwards another one."""

_NO_KIND = (None, "unknown")

_SOURCES = {"channel": "requester"}
"""Source of a channel's finding: there the requester chose the kind."""


def open_ticket(message: Message, decision: Event, opened: event.Opened, policy: TicketPolicy) -> Ticket:
    """Return the first snapshot of a new ticket."""
    code = ids.query_code(policy.query_key, opened.ticket_id)
    return Ticket(
        ticket_id=opened.ticket_id,
        ticket_no=opened.ticket_no,
        query_code_hash=keyed_digest(policy.query_key, f"query_code_hash\n{code}".encode()).hex(),
        version=1,
        jurisdiction=message.jurisdiction,
        status="received",
        status_at=decision.at,
        channel=message.channel,
        channel_kind=message.channel_kind,
        channel_account=message.account,
        channels=(message.channel,),
        origin=_origin(message, policy),
        **request_kind_of(message),
        category=category_of(message, policy),
        title=title_of(message),
        text=text_of(message),
        search_text=limits.beginning(message.search_text, limits.MESSAGE_CHARACTERS),
        requester=requester_of(message),
        anonymous=_anonymous(message),
        location=fields.told(message, _found(message, "place"), _found(message, "adcode")),
        received_at=message.received_at,
        ingested_at=message.ingested_at,
        updated_at=decision.at,
        first_message_id=message.message_id,
        message_count=1,
        attachments=fields.added((), message, policy),
        urgency=urgency_of(message.emergency),
        emergency=without_spans(message.emergency),
        related=opened.related,
        cluster_id=opened.ticket_id,
        proposals=_proposals(decision, opened.ticket_id),
        lineage=_lineage(Lineage(), message, policy),
    )


def file_message(ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy) -> Ticket:
    """Return the ticket with one more message in it; repeated text is not written twice."""
    text, search_text = (
        _texts(ticket, message, decision, policy.max_text_characters)
        if says_more(decision)
        else (ticket.text, ticket.search_text)
    )
    return replace(
        ticket,
        **_alarm_of(ticket, message, decision, policy),
        channels=with_more(ticket.channels, (message.channel,)),
        text=text,
        search_text=search_text,
        requester=with_sender(ticket.requester, message, decision, policy, text),
        anonymous=_still_anonymous(ticket.anonymous, _anonymous(message)),
        location=fields.joined(
            ticket.location, fields.told(message, _found(message, "place"), _found(message, "adcode"))
        ),
        **(request_kind_of(message) if ticket.request_kind in _NO_KIND and _by_no_clerk(ticket) else {}),
        category=ticket.category or category_of(message, policy),
        updated_at=decision.at,
        message_count=ticket.message_count + 1,
        attachments=fields.added(ticket.attachments, message, policy),
        proposals=limits.ends((*ticket.proposals, *_proposals(decision, ticket.ticket_id)), policy.max_proposals),
        lineage=_lineage(ticket.lineage, message, policy),
    )


def file_silently(ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy) -> Ticket:
    """Return the ticket with one more message of which only the danger is shown."""
    ticket = replace(ticket, **_alarm_of(ticket, message, decision, policy))
    return counted(ticket, message.message_id, policy)


def _alarm_of(ticket: Ticket, message: Message, decision: Event, policy: TicketPolicy) -> dict[str, Any]:
    """Return the fields that need attention: the emergency, and the stage of a reopened ticket."""
    told = alarmed(ticket, message.emergency)
    if any(isinstance(change, event.Reopened) for change in decision.changes):
        told |= {
            "status": "reopened",
            "status_at": decision.at,
            "closed_at": None,
            "history": with_step(ticket, "reopened", decision.at, policy),
            "acceptance": not_refused(ticket),
        }
    return told


def says_more(decision: Event) -> bool:
    """Return True if the words of the filed message are written behind those of the ticket."""
    repeats = decision.relation == "same_person_same_matter" and decision.method not in NEAR
    return (
        not repeats and SAME_MAIL not in decision.evidence and decision.method not in ("repeated_part", RECORD_OF_CALL)
    )


def complete(ticket: Ticket, message: Message) -> Ticket:
    """Return the ticket with the result of a file that one of its messages only named."""
    return replace(ticket, attachments=fields.settled(ticket.attachments, map(limits.short_file, message.attachments)))


def settled(ticket: Ticket, former: Ticket) -> Ticket:
    """Return the ticket with the results of its files that the earlier snapshot has."""
    return replace(ticket, attachments=fields.settled(ticket.attachments, former.attachments))


def not_refused(ticket: Ticket) -> Acceptance | UnsetType:
    """Return the decision of a reopened ticket without 不予受理."""
    known = ticket.acceptance
    return known if known is UNSET or known.decision != "not_accepted" else UNSET


def with_step(ticket: Ticket, status: str, at: datetime, policy: TicketPolicy) -> tuple[StatusStep, ...]:
    """Return the stages of the ticket with one more."""
    return limits.ends((*ticket.history, StatusStep(status=status, at=at)), policy.max_history)


def rewritten(filed: Ticket, former: Ticket, message: Message, before: Message, policy: TicketPolicy) -> Ticket:
    """Return the ticket with this message's words instead of those of the parts `before` it, which they contain.

    `former` is the ticket as it was; the words of other messages stay.
    """
    limit, most = policy.max_text_characters, limits.MESSAGE_CHARACTERS
    search_text, old = (limits.beginning(one.search_text, most) for one in (message, before))
    kind = request_kind_of(message) if _by_no_clerk(filed) else {}
    return replace(
        filed,
        title=title_of(message),
        text=_in_place(former.text, before.text, message.text, limit),
        search_text=_in_place(former.search_text, old, search_text, limit),
        **kind,
    )


def _in_place(text: str, before: str, now: str, limit: int) -> str:
    told = limits.instead(text, before, now, limit)
    return limits.joined(text, now, limit) if told is None else told


def counted(ticket: Ticket, message_id: str, policy: TicketPolicy) -> Ticket:
    """Return the ticket with one more message that adds no words."""
    lineage = ticket.lineage
    ids_of = (*lineage.message_ids, message_id)[-policy.lineage_messages :]
    return replace(ticket, message_count=ticket.message_count + 1, lineage=replace(lineage, message_ids=ids_of))


def title_of(message: Message) -> str | None:
    """Return the message's title, else its first words; None without words."""
    text = message.title or message.text.strip().split("\n", 1)[0]
    return limits.beginning(text, TITLE_CHARACTERS) or None


def text_of(message: Message) -> str:
    """Return the text of a new ticket: the message's, and its whole title above it if the ticket's title is cut."""
    return message.text if len(message.title or "") <= TITLE_CHARACTERS else titled(message.title, message.text)


def _texts(ticket: Ticket, message: Message, decision: Event, limit: int) -> tuple[str, str]:
    """Return both texts with the message's words; of a repeated Message-ID only the new words."""
    text, search_text = _words_of(message, ticket), message.search_text
    if SAME_NAME in decision.evidence:
        there = set(ticket.text.splitlines())
        text = "\n".join(line for line in text.splitlines() if line not in there).strip()
        search_text = fold(text)
    folded = limits.beginning(search_text, limits.MESSAGE_CHARACTERS)
    return limits.joined(ticket.text, text, limit), limits.joined(ticket.search_text, folded, limit)


def _words_of(message: Message, ticket: Ticket) -> str:
    """Return the words of a further message with its title, unless the ticket has it or it names a receipt."""
    title = _REPLIES.sub("", message.title or "").strip()
    is_there = any(title in words for words in (ticket.title or "", ticket.text, message.text))
    return message.text if is_there or message.thread.token else titled(title, message.text)


def _by_no_clerk(ticket: Ticket) -> bool:
    return ticket.request_kind_source != "clerk"


def request_kind_of(message: Message) -> dict[str, Any]:
    """Return the fields of the request kind, as far as the message has them."""
    told = [finding for finding in message.findings if finding.kind == "request_kind"]
    if not told:
        return {}
    found = next((finding for finding in told if finding.value not in _NO_KIND), told[0])
    return {
        "request_kind": found.value,
        "request_kind_group": KIND_GROUPS.get(found.value),
        "request_kind_source": _SOURCES.get(found.source, found.source),
        "request_kind_confidence": found.score,
    }


def _found(message: Message, kind: str) -> str | None:
    for finding in message.findings:  # half of what `next` takes
        if finding.kind == kind:
            return finding.value
    return None


def category_of(message: Message, policy: TicketPolicy) -> Category | None:
    """Return the category, as far as the message has it."""
    found = next((finding for finding in message.findings if finding.kind == "category"), None)
    if found is None:
        return None
    scheme, names = category.path_of(found.value, policy.rules)
    if found.source == "channel":
        scheme = scheme if names else AS_GIVEN
        return Category(code=found.value, scheme=scheme, version="1", path=names, source="requester")
    return Category(
        code=found.value,
        scheme=scheme,
        version=found.version,
        path=names,
        source=found.source,
        confidence=found.score,
    )


def _origin(message: Message, policy: TicketPolicy) -> Origin | None:
    """Return the dialled line; an account counts as one if the city's list names it."""
    external = _found(message, "external_ticket_no")
    said = _found(message, "hotline_code")
    mode = merged_hotlines.merge_mode(said or message.account, message.jurisdiction, policy.rules)
    hotline = said or (message.account if mode else None)
    if not hotline and not external:
        return None
    return Origin(hotline_code=hotline, merge_mode=mode, external_ticket_no=external)


def _anonymous(message: Message) -> str:
    """Return the state of the identity; an unknown one has nothing to withhold."""
    if message.sender is None or message.sender.kind == "name":
        return "not_given"
    return WITHHELD if _found(message, ANONYMOUS) == WITHHELD else "given"


def _still_anonymous(before: str, now: str) -> str:
    """Return the stricter of both: a later message never reverses a wish for anonymity."""
    return now if before == "not_given" or now == WITHHELD else before


def _proposals(decision: Event, ticket_id: str) -> tuple[Proposal, ...]:
    return tuple(
        Proposal(proposal_id=change.proposal_id, relation=change.relation, target=change.target, score=change.score)
        for change in decision.changes
        if isinstance(change, event.Proposed) and change.ticket_id == ticket_id
    )


def _lineage(before: Lineage, message: Message, policy: TicketPolicy) -> Lineage:
    versions = {finding.kind: finding.version for finding in message.findings}
    return Lineage(
        message_ids=(*before.message_ids, message.message_id)[-policy.lineage_messages :],
        policy_version=policy.version,
        rules_versions=before.rules_versions | versions,
    )
