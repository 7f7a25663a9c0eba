"""What one decision writes: its event, its link and the snapshots, as Kafka records (records.md)."""

from pathlib import Path

from msgspec.structs import replace

from normalizers.handover import record_of
from schemas import topics
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Audit, Event, Handover, Link, Outbox, OutboxState, Ticket, event
from schemas.wire import Outbound, encode
from tickets import calls, snapshot
from tickets.masking import mask_ticket

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
    """Return the links of records of a call that had no ticket yet: they go where the call's words went."""
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
            method=snapshot.RECORD_OF_CALL,
            score=1.0,
            evidence=(link.message_id,),
            version=calls.LINKED_LATER,
        )
        for one in filed
    ]


def of_event(decision: Event) -> list[Outbound]:
    """Return the event and its links."""
    filed = decision.tickets[0].ticket_id if decision.tickets else None
    envelope = _envelope(decision, "event", decision.event_id, correlationid=filed)
    records = [_outbound(topics.EVENT, decision.key, encode(decision), envelope)]
    link = link_of(decision)
    for one in (*([link] if link is not None else []), *waiting_links(decision)):
        identifier = f"{one.message_id}:{one.version}"
        envelope = _envelope(decision, "link", identifier, f"{one.version:010d}", correlationid=one.ticket_id)
        records.append(_outbound(topics.LINK, one.message_id, encode(one), envelope))
    return records


def of_ticket(ticket: Ticket, value: bytes, decision: Event, rules_folder: Path | None) -> list[Outbound]:
    """Return the snapshot in clear and the masked one; `value` is the ticket's JSON, `rules_folder` the city's own."""
    envelope = _envelope(
        decision,
        "ticket",
        f"{ticket.ticket_id}:{ticket.version}",
        sequence=f"{ticket.version:010d}",
        subject=ticket.ticket_no,
        correlationid=ticket.ticket_id,
    )
    clear = _outbound(topics.TICKET, ticket.ticket_id, value, envelope)
    masked = mask_ticket(ticket, rules_folder)
    return [clear, clear._replace(topic=topics.TICKET_MASKED, value=encode(masked))]


def of_handover(urgent: Handover) -> Outbound:
    """Return the hand-over (紧急转接) of a text that was joined from parts: none of them alone told of it."""
    return record_of(urgent, "assign")


def of_answer(answer: Outbox | OutboxState, decision: Event) -> Outbound:
    """Return the intent to answer, which `hotline run outbox` sends once, or what withdraws it."""
    withdrawn = isinstance(answer, OutboxState)
    record, identifier = ("outbox_state", f"{answer.outbox_id}:erased") if withdrawn else ("outbox", answer.outbox_id)
    envelope = _envelope(decision, record, identifier, subject=answer.ticket_no, correlationid=answer.ticket_id)
    return _outbound(topics.OUTBOX, answer.ticket_id, encode(answer), envelope)


def of_audit(act: Audit, decision: Event) -> Outbound:
    """Return what a decision leaves in the audit log, whose partition is its key's."""
    envelope = _envelope(decision, "audit", act.audit_id, correlationid=act.subject)
    return Outbound(topics.AUDIT, act.audit_id.encode(), encode(act), envelope.headers())


def _outbound(topic: str, key: str, value: bytes, envelope: Envelope) -> Outbound:
    return Outbound(topic, key.encode(), value, envelope.headers(), envelope.jurisdiction)


def _envelope(
    decision: Event,
    record: str,
    identifier: str,
    sequence: str | None = None,
    subject: str | None = None,
    correlationid: str | None = None,
) -> Envelope:
    return Envelope(
        id=identifier,
        source=f"/hotline/assign/{decision.jurisdiction}",
        type=type_of(record),
        time=decision.at,
        recordedtime=decision.at,
        dataschema=schema_of(record),
        jurisdiction=decision.jurisdiction,
        causationid=decision.input.message_id or decision.input.command_id,
        sequence=sequence,
        subject=subject,
        correlationid=correlationid,
    )


def _filed_in(decision: Event) -> str | None:
    return next((change.ticket_id for change in decision.changes if isinstance(change, _FILING)), None)
