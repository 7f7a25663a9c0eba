"""A form proves nobody: whoever types another's telephone must not learn by the answer what that one asked or will.

Its answer is a number for what is new, and that it was added to an earlier one for what is not. That would tell an
employer who types the telephones of all his people, with one and the same complaint, which of them had complained; and
the number and code of the ticket that his own form opened would tell him who does so later. So nothing that a form
brings is filed in a ticket by itself, and nothing that somebody else says in one which a form opened: it is proposed to
a clerk, and joined as what several people say is. Unless a name was typed or quoted that only the ticket's own citizen
was told: the query code (查询码), for which the door gives a token, and to a known telephone the official number.
"""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State

_SIGNED = "token_"
"""How the methods begin that rest on a name which we signed."""

_BY_MATTER, _BY_ANSWER = "same_person_same_matter", "follow_up"


def would_tell(state: State, incoming: Incoming, verdict: Verdict) -> bool:
    """Say whether to file a message as a verdict says would tell somebody of another's words."""
    if verdict.relation not in (_BY_MATTER, _BY_ANSWER) or verdict.method.startswith(_SIGNED):
        return False
    if not incoming.proven:
        return True
    ticket = state.tickets.get(verdict.ticket_id or "")
    return verdict.relation == _BY_MATTER and ticket is not None and ticket.typed
