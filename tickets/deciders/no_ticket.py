"""Machines that answer, bounce or announce make no ticket; they stay in the archive with a link.

What came through a list is a citizen's all the same where it answers a ticket of theirs.
"""

from tickets.codes import NO_CITIZEN
from tickets.deciders import follow_up
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.state.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Keep the message without a ticket; where it answers a known message, name that ticket."""
    features = incoming.features
    silent = features.message_class == "unsupported" and features.text_key is None
    if features.message_class not in NO_CITIZEN and not silent:
        return None
    answer = follow_up.judge(state, incoming) if features.message_class == "list" else None
    if answer is not None and answer.sure:
        return None
    threads = (state.threads.find(incoming.jurisdiction, key) for key in features.threads)
    answered = next((ticket_id for ticket_id in threads if ticket_id), None)
    return Verdict(relation="no_ticket", method=features.message_class, ticket_id=answered)
