"""Additions to a person's own matter that do not name it: 还没解决, a picture, 电梯还是没修好, 是13号楼.

Their ticket is uncertain: each gets a ticket of its own, proposed to the few that it may continue. The same holds for
a citizen who was sent on to another line (12315) and comes back, or whom that line passes on.
"""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Features
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.dedupe.sketch import Sketch
from tickets.model.ticket_state import TicketState
from tickets.policy import NearPolicy
from tickets.state.state import State

_SENT_ON = frozenset({"not_accepted", "handed_over"})


def proposals(state: State, incoming: Incoming) -> list[Verdict]:
    """Return the person's tickets that a new one may continue.

    Those that share a name with it come first, and of them the most recently changed. A report, a danger to oneself
    and a minor in need are matters of their own.
    """
    features = incoming.features
    if state.policy.is_restricted(features.codes):
        return []
    own = state.own(incoming.jurisdiction, _asking(features))
    meant = [ticket for ticket in own if not ticket.erased and _may_mean(state, incoming, ticket)]
    meant.sort(key=lambda ticket: (not state.dedupe.names_nothing(ticket.order), _last_news(ticket)), reverse=True)
    score = state.policy.near.adds_score
    return [
        Verdict(relation="follow_up", method="adds_to_own", ticket_id=ticket.ticket_id, score=score, sure=False)
        for ticket in meant[: state.policy.near.max_supplemented]
    ]


def names_nothing(features: Features, policy: NearPolicy) -> bool:
    """Return True if a short text names neither a place nor a thing."""
    return len(features.grams) <= policy.short_grams and Sketch.of(features).names_nothing


def _asking(features: Features) -> Features:
    """Return the features with the named persons as senders if the sender is unknown: 12315 is no citizen."""
    return features if features.requesters else replace(features, requesters=features.contacts)


def _may_mean(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if a message continues a ticket, or explains a picture or a greeting just before it."""
    features, near, policy = incoming.features, state.dedupe, state.policy.near
    if ticket.is_anothers(features.stated):
        return False
    if _may_come_back(incoming, ticket, policy):
        return not _is_elsewhere(state, features, ticket)
    could_be_any = incoming.at - _last_news(ticket) <= policy.at_once or names_nothing(features, policy)
    if near.names_nothing(ticket.order):
        return could_be_any
    if len(features.grams) > policy.short_grams:
        return False
    things = _things(features)
    if could_be_any and not things:
        return True
    return near.names_any(things or _places(features), ticket.order) and not _is_elsewhere(state, features, ticket)


def _is_elsewhere(state: State, features: Features, ticket: TicketState) -> bool:
    near = state.dedupe
    return near.has_other_marks(features, ticket.order) or near.has_other_places(features, ticket.order)


def _may_come_back(incoming: Incoming, ticket: TicketState, policy: NearPolicy) -> bool:
    """Return True if the ticket's citizen was sent on to another line, or another line passes them on."""
    was_passed_on = not incoming.features.requesters
    is_soon = incoming.at - _last_news(ticket) <= policy.comes_back
    return is_soon and (was_passed_on or ticket.status in _SENT_ON)


def _things(features: Features) -> tuple[str, ...]:
    return (*features.objects, *features.text_objects)


def _places(features: Features) -> tuple[str, ...]:
    where = features.whereabouts if features.whereabouts is not UNSET else ()
    return (*features.places, *where)


def _last_news(ticket: TicketState) -> datetime:
    return max(ticket.opened_at, ticket.status_at, ticket.heard_at or ticket.opened_at)
