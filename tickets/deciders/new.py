"""What nobody claims is a matter of its own: rather a ticket too many than a citizen unheard."""

from collections.abc import Iterator

from tickets.assembly import call_records
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.state.state import State

NO_RELATION = "no_relation_found"


def judge(state: State, incoming: Incoming) -> Verdict:
    """Open a ticket, related to the person's own that was closed long ago where the message answers that one."""
    for method, evidence, ticket_id in _answered(state, incoming):
        if (incoming.id, ticket_id) in state.separations:
            continue
        if state.may_answer(ticket_id, incoming.features.requesters):
            return Verdict(relation="new", method=method, evidence=(evidence,), related=(ticket_id,))
    return Verdict(relation="new", method=NO_RELATION)


def _answered(state: State, incoming: Incoming) -> Iterator[tuple[str, str, str]]:
    token = incoming.features.token
    if token is not None and token.startswith(incoming.jurisdiction):
        yield "token_closed_long_ago", token, state.threads.current(token)
    features = incoming.features
    keys = call_records.names_of_key(features, incoming.at) if call_records.is_record(features) else features.threads
    for key in keys:
        ticket_id = state.threads.find(incoming.jurisdiction, key)
        if ticket_id is not None:
            yield "references_closed_long_ago", key, ticket_id
