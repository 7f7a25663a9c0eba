"""What nobody claims is a matter of its own: rather a ticket too many than a citizen unheard."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State


def judge(state: State, incoming: Incoming) -> Verdict:
    """Open a ticket, related to the person's own that was closed long ago where the message answers that one."""
    features = incoming.features
    for key in features.threads:
        ticket_id = state.in_thread(incoming.jurisdiction, key)
        if ticket_id is None or (incoming.id, ticket_id) in state.never:
            continue
        if state.may_answer(ticket_id, features.requesters):
            return Verdict(relation="new", method="references_closed_long_ago", evidence=(key,), related=(ticket_id,))
    return Verdict(relation="new", method="no_relation_found")
