"""A part of a long SMS joins the ticket of the parts before it, a record of a call that of its earlier records.

A file that came after its message completes that message's ticket.
"""

from schemas.records import Event
from tickets.assembly import call_records
from tickets.deciders import call_record
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.state.state import State

FIRST_PART = "first_part"
LATE_FILE = "late_file"


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Decide about every part: nothing else is asked about a text that is not complete."""
    features = incoming.features
    if call_records.is_record(features):
        return call_record.judge(state, incoming)
    if features.completes:
        return _late_file(state, incoming)
    if features.part_key is None or features.part_number is None or features.part_total is None:
        return None
    evidence = (features.part_key,)
    city, sent_at, is_rare = incoming.jurisdiction, incoming.sent_at, incoming.has_rare_reference
    known = state.parts.set_of(city, features, sent_at, is_rare=is_rare)
    if known is None or (incoming.id, known.ticket_id) in state.separations:
        erased = state.parts.erased_by(city, features, sent_at)
        named = evidence if erased is None else (*evidence, erased)
        waits = state.parts.late_for(city, features, sent_at) if known is None else None
        beside = (waits,) if waits is not None else ()
        return Verdict(relation="new", method=FIRST_PART, evidence=named, part="incomplete", related=beside)
    if features.part_number in known.pieces:
        return Verdict(relation="part_of", method="repeated_part", ticket_id=known.ticket_id, evidence=evidence)
    is_last = len(known.pieces) + 1 == features.part_total
    return Verdict(
        relation="part_of",
        method="last_part" if is_last else "next_part",
        ticket_id=known.ticket_id,
        evidence=evidence,
        part="complete" if is_last else "incomplete",
    )


def may_end_erased(decision: Event) -> bool:
    """Return True if a first part may be the end of an erased message: its evidence names that one's ticket, too."""
    return decision.method == FIRST_PART and len(decision.evidence) > 1


def _late_file(state: State, incoming: Incoming) -> Verdict | None:
    """Name the live ticket that has the message now; with none it is only kept, as the event that it is."""
    for key in incoming.features.completes:
        ticket_id = state.threads.find(incoming.jurisdiction, key)
        if ticket_id is not None and ticket_id in state.tickets:
            return Verdict(relation="part_of", method=LATE_FILE, ticket_id=ticket_id, evidence=(key,))
    return None
