"""A form proves nobody: whoever types another's telephone must not learn by the answer what that one asked before.

Its answer is a number for what is new, and that it was added to an earlier one for what is not. Of a report (举报), and
of whatever somebody asked to be kept secret, that would tell an employer who it was. So such a ticket is only proposed
to a form, as to strangers, unless the query code (查询码) was typed as well, for which the door gives a token.
"""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State

_SIGNED = "token_"
"""How the methods begin that rest on a name which we signed."""

_SAME_PERSON = frozenset({"follow_up", "same_person_same_matter"})
_ASKED = ("confidentiality.", "anonymous.")


def would_tell(state: State, incoming: Incoming, verdict: Verdict) -> bool:
    """Say whether to file a message as a verdict says would tell who types it of a ticket that is kept from others."""
    if incoming.proven or verdict.relation not in _SAME_PERSON or verdict.method.startswith(_SIGNED):
        return False
    ticket = state.tickets.get(verdict.ticket_id or "")
    codes = ticket.codes_that_stand() if ticket is not None else ()
    return state.policy.near.is_restricted(codes) or any(code.startswith(_ASKED) for code in codes)
