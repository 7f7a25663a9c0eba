"""Kafka records of one decision: its event, its link and the snapshots."""

from msgspec.structs import replace

from normalizers.handover import record_of
from normalizers.rules import Rules
from schemas import topics
from schemas.codec import Outbound, encode
from schemas.envelope import FIRST_WRITTEN, WITHHELD, Headers, schema_of, type_of, written_time
from schemas.records import Audit, Event, Handover, Link, Outbox, OutboxState, Ticket, event
from tickets.assembly import call_records
from tickets.codes import RECORD_OF_CALL
from tickets.erasure import blackout
from tickets.masking.mask import mask_ticket

RESTRICTED = "restricted"

_FILING = (event.MessageFiled, event.Noted)


def link_of(decision: Event) -> Link | None:
    """Return the link of the message that a decision files or moves; None for any other command."""
    moved = next((change for change in decision.changes if isinstance(change, event.Moved)), None)
    if moved is not None:
        return Link(
            message_id=moved.message_id,
            jurisdiction=decision.jurisdiction,
            ticket_id=moved.to_ticket_id,
            relation="moved",
            method=decision.method,
            evidence=(moved.from_ticket_id,),
            decided_by=decision.author,
            decided_at=decision.at,
            policy_version=decision.policy_version,
            version=moved.link_version,
        )
    if decision.input.message_id is None:
        return None
    return Link(
        message_id=decision.input.message_id,
        jurisdiction=decision.jurisdiction,
        ticket_id=_filed_in(decision),
        relation=decision.relation,
        method=decision.method,
        score=decision.score,
        evidence=decision.evidence,
        decided_by=decision.author,
        decided_at=decision.at,
        policy_version=decision.policy_version,
    )


def waiting_links(decision: Event) -> list[Link]:
    """Return the links of waiting records of a call: they follow the call's words."""
    named = decision.input.message_id
    filed = [one for one in decision.changes if type(one) is event.MessageFiled and one.message_id != named]
    link = link_of(decision) if filed and named is not None else None
    if link is None:
        return []
    return [
        replace(
            link,
            message_id=one.message_id,
            relation="part_of",
            method=RECORD_OF_CALL,
            score=1.0,
            evidence=(link.message_id,),
            version=call_records.LINKED_LATER,
        )
        for one in filed
    ]


def of_event(decision: Event) -> list[Outbound]:
    """Return the event and its links."""
    filed = decision.tickets[0].ticket_id if decision.tickets else None
    headers = _headers(decision, "event", decision.event_id, correlationid=filed)
    city = decision.jurisdiction
    records = [Outbound(topics.EVENT, decision.key.encode(), encode(decision), headers, city)]
    link = link_of(decision)
    for one in (*([link] if link is not None else []), *waiting_links(decision)):
        identifier = f"{one.message_id}:{one.version}"
        headers = _headers(decision, "link", identifier, f"{one.version:010d}", correlationid=one.ticket_id)
        records.append(Outbound(topics.LINK, one.message_id.encode(), encode(one), headers, city))
    return records


def of_ticket(ticket: Ticket, value: bytes, decision: Event, rules: Rules, *, is_first: bool = False) -> list[Outbound]:
    """Return the snapshots: in clear, and masked or, of a restricted ticket (严格保密), in a topic of its own.

    `value` is the ticket's JSON, `rules` the city's own. If the level changed, the topic that the ticket leaves gets
    a later snapshot without words: its version keeps older ones out.

    `is_first` says that no snapshot of the ticket was written before: if its version is later, the headers say so.
    """
    headers = _headers(
        decision,
        "ticket",
        f"{ticket.ticket_id}:{ticket.version}",
        sequence=f"{ticket.version:010d}",
        subject=ticket.ticket_no,
        correlationid=ticket.ticket_id,
    )
    if is_first and ticket.version > 1:
        headers.append(FIRST_WRITTEN)
    key, city = ticket.ticket_id.encode(), decision.jurisdiction
    is_restricted = ticket.confidentiality == RESTRICTED and not ticket.erased
    records = [Outbound(topics.TICKET, key, value, headers, city)]
    if is_restricted or ticket.erased:
        records.append(Outbound(topics.TICKET_RESTRICTED, key, value, headers, city))
    if not is_restricted:
        records.append(Outbound(topics.TICKET_MASKED, key, encode(mask_ticket(ticket, rules)), headers, city))
    if ticket.confidentiality_version == ticket.version and not ticket.erased:
        left = topics.TICKET_MASKED if is_restricted else topics.TICKET_RESTRICTED
        records.append(Outbound(left, key, encode(withheld_of(ticket)), [*headers, WITHHELD], city))
    return records


def withheld_of(ticket: Ticket) -> Ticket:
    """Return the snapshot without words that replaces those written at another level (保密)."""
    return blackout.withheld(replace(ticket, masked=True, redacted_version=ticket.version))


def of_handover(urgent: Handover) -> Outbound:
    """Return the hand-over (紧急转接) of a text joined from parts of which none alarms alone."""
    return record_of(urgent, "assign")


def of_ring(urgent: Handover, decision: Event) -> Outbound:
    """Return the hand-over that a clerk has ring again, under a new id, as the desk has the first one."""
    return record_of(urgent, "assign", identifier=f"{urgent.handover_id}:{decision.event_id}")


def of_answer(answer: Outbox | OutboxState, decision: Event) -> Outbound:
    """Return the intent to answer, which `hotline run outbox` sends once, or its withdrawal."""
    record, identifier = "outbox", answer.outbox_id
    if isinstance(answer, OutboxState):
        record, identifier = "outbox_state", f"{identifier}:{answer.code}"
    headers = _headers(decision, record, identifier, subject=answer.ticket_no, correlationid=answer.ticket_id)
    return Outbound(topics.OUTBOX, answer.ticket_id.encode(), encode(answer), headers, decision.jurisdiction)


def of_audit(act: Audit, decision: Event) -> Outbound:
    """Return the audit record of a decision; its partition is its key's."""
    headers = _headers(decision, "audit", act.audit_id, correlationid=act.subject)
    return Outbound(topics.AUDIT, act.audit_id.encode(), encode(act), headers)


def _headers(
    decision: Event,
    record: str,
    identifier: str,
    sequence: str | None = None,
    subject: str | None = None,
    correlationid: str | None = None,
) -> Headers:
    """Return the headers of a record, as an `Envelope` writes them: a decision has three or four records."""
    at, city = written_time(decision.at), decision.jurisdiction
    known, schema = _KINDS[record]
    headers = [
        ("ce_id", identifier.encode()),
        ("ce_source", f"/hotline/assign/{city}".encode()),
        known,
        ("ce_time", at),
        ("ce_recordedtime", at),
        _SPECVERSION,
        _JSON,
        schema,
        ("ce_jurisdiction", city.encode()),
    ]
    if subject is not None:
        headers.insert(_SUBJECT, ("ce_subject", subject.encode()))
    if sequence is not None:
        headers.append(("ce_sequence", sequence.encode()))
    if correlationid is not None:
        headers.append(("ce_correlationid", correlationid.encode()))
    cause = decision.input.message_id or decision.input.command_id
    if cause is not None:
        headers.append(("ce_causationid", cause.encode()))
    return headers


_SPECVERSION, _JSON = ("ce_specversion", b"1.0"), ("content-type", b"application/json")
_SUBJECT = 7
"""Position of the subject."""

_KINDS = {
    record: (("ce_type", type_of(record).encode()), ("ce_dataschema", schema_of(record).encode()))
    for record in ("event", "link", "ticket", "outbox", "outbox_state", "audit")
}


def _filed_in(decision: Event) -> str | None:
    return next((change.ticket_id for change in decision.changes if isinstance(change, _FILING)), None)
