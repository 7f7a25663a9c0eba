"""A later record of a call completes the ticket of the earlier ones; it opens none, and reopens one only for a danger.

The words of a transcript (通话转写) or of a corrected note belong to the same call: the citizen said nothing new, so a
ticket that was answered at once stays closed. If an agent notes another matter, no office has worked on it: that
reopens the ticket.
"""

from tickets.codes import AFTER_REDACTION, RECORD_OF_CALL, TOPIC_CHANGED
from tickets.deciders import redelivery
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.model.keys import texts_of
from tickets.state.state import State

SAME_CALL_ID = "same_call_id"
"""Method of a proposal: the id is that of a call, but no caller or no day confirms that it is the same one."""


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Decide about every record of a call with a ticket; other records are treated as messages."""
    features = incoming.features
    ticket = state.calls.ticket_of(incoming.jurisdiction, features, incoming.id, incoming.at)
    if features.message_key is None:
        return None
    ticket = ticket or redelivery.redacted_ticket(state, incoming)
    if ticket is None:
        return _proposal(state, incoming, features.message_key)
    known = state.calls.records_of(incoming.jurisdiction, features, incoming.at)
    says_something = features.message_class == "person" and not ticket.redacted
    is_repeat = not set(texts_of(features)).isdisjoint(ticket.text_keys)
    is_new = features.call_adds is True or (known is None and state.dedupe.shares_nothing(features, ticket.order))
    return Verdict(
        relation="part_of",
        method=AFTER_REDACTION if ticket.redacted else RECORD_OF_CALL,
        ticket_id=ticket.ticket_id,
        evidence=(features.message_key, *((TOPIC_CHANGED,) if is_new else ())),
        afresh=says_something,
        reopens=says_something and not is_repeat and is_new,
    )


def _proposal(state: State, incoming: Incoming, evidence: str) -> Verdict | None:
    likely = state.calls.likely(incoming) if incoming.features.message_class == "person" else None
    if likely is None:
        return None
    return Verdict(
        relation="part_of",
        method=SAME_CALL_ID,
        ticket_id=likely.ticket_id,
        score=state.policy.near.claim_score,
        evidence=(evidence,),
        sure=False,
    )
