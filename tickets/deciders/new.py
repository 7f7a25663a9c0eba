"""What nobody claims is a matter of its own: rather a ticket too many than a citizen unheard."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State


def judge(state: State, incoming: Incoming) -> Verdict:
    """Open a ticket."""
    return Verdict(relation="new", method="no_relation_found")
