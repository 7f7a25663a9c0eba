"""A later record of a call completes the ticket of the earlier ones; it opens none, and reopens one only for a danger.

The words of a transcript (通话转写) or of a corrected note are of the same call: the citizen said nothing new since, so
a ticket that was answered at once stays closed. What an agent notes of another matter, or of another caller, nobody has
worked on: that opens it again.
"""

from tickets import calls
from tickets.codes import TOPIC_CHANGED
from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.keys import texts_of
from tickets.snapshot import RECORD_OF_CALL
from tickets.state import State

AFTER_REDACTION = "record_after_redaction"
"""Its words stay out of the ticket: they could say again what was blacked out."""

OTHER_CALLER = "other_caller"
"""Evidence: another number is told under the call's id, and no time tells whether it is a leg or a call of its own."""


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Decide about every record of a call that has a ticket; any other is asked about as a message is."""
    features = incoming.features
    ticket = calls.ticket_of(state, incoming.jurisdiction, features, incoming.id, incoming.at)
    if ticket is None or features.message_key is None:
        return None
    known = calls.records_of(state, incoming.jurisdiction, features, incoming.at)
    is_timed = known is not None and known.began is not None and known.ended is not None
    is_others = known is not None and calls.may_be_anothers(known.people, features, is_timed=is_timed)
    says_something = features.message_class == "person" and not ticket.redacted
    is_repeat = not set(texts_of(features)).isdisjoint(ticket.text_keys)
    is_new = features.call_adds is True or (known is None and state.near.shares_nothing(features, ticket.order))
    signs = {OTHER_CALLER: is_others, TOPIC_CHANGED: is_new}
    return Verdict(
        relation="part_of",
        method=AFTER_REDACTION if ticket.redacted else RECORD_OF_CALL,
        ticket_id=ticket.ticket_id,
        evidence=(features.message_key, *(sign for sign, is_there in signs.items() if is_there)),
        afresh=says_something,
        reopens=says_something and not is_repeat and (is_new or is_others),
    )
