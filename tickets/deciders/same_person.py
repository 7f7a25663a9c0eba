"""Who says the same again, on whatever channel, is heard once: the message joins the ticket it repeats."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Find a live ticket of the same requester with the very same text."""
    features = incoming.features
    if features.text_key is None or not features.requesters:
        return None
    for ticket in state.with_text(incoming.jurisdiction, features.text_key):
        own = not set(features.requesters).isdisjoint(ticket.requesters)
        if own and (incoming.id, ticket.ticket_id) not in state.never:
            return Verdict(
                relation="same_person_same_matter",
                method="equal_text",
                ticket_id=ticket.ticket_id,
                evidence=(features.text_key,),
            )
    return None
