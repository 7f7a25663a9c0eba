"""The life of a ticket (办理状态) as data: its stages, and which may follow which."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas import enums
from schemas.records import Features
from tickets.codes import by_kind, is_alarm
from tickets.decision_input import Incoming
from tickets.state.keys import texts_of
from tickets.state.ticket import TicketState

if TYPE_CHECKING:
    from tickets.state.state import State


STATUSES = enums.STATUSES
"""Every stage, with its 中文."""

NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "received": frozenset({"screened", "handed_over", "not_accepted", "registered"}),
        "screened": frozenset({"handed_over", "not_accepted", "registered"}),
        "handed_over": frozenset({"registered", "resolved", "archived"}),
        "not_accepted": frozenset({"reopened", "archived"}),
        "registered": frozenset({"answered", "dispatched", "not_accepted"}),
        "answered": frozenset({"resolved", "reopened"}),
        "dispatched": frozenset({"signed", "returned"}),
        "signed": frozenset({"in_progress", "returned"}),
        "returned": frozenset({"redispatched", "answered"}),
        "redispatched": frozenset({"signed", "returned"}),
        "in_progress": frozenset({"extended", "supervised", "resolved"}),
        "extended": frozenset({"in_progress", "supervised", "resolved"}),
        "supervised": frozenset({"in_progress", "extended", "resolved"}),
        "resolved": frozenset({"revisited", "reopened", "archived"}),
        "revisited": frozenset({"evaluated", "reopened", "archived"}),
        "evaluated": frozenset({"reopened", "archived"}),
        "reopened": frozenset({"registered", "answered", "dispatched", "in_progress", "resolved"}),
        "archived": frozenset({"reopened"}),
    }
)
"""Which stage may follow which: the way of JT/T 1019 and 国办函〔2025〕66号."""

CLOSED = frozenset({"resolved", "revisited", "evaluated", "archived", "not_accepted"})
"""Stages after which a ticket may leave the memory."""

WITH_AN_ORGANIZER = frozenset({"dispatched", "redispatched", "signed", "in_progress", "extended", "supervised"})
"""Stages in which an organizer (主办单位) has the ticket, so that supervision can reach somebody."""


def may_become(status: str, following: str) -> bool:
    """Say whether one stage may follow another; a stage of a later version leads anywhere."""
    return following in NEXT.get(status, STATUSES)


# Which message opens a closed ticket again: any but mere thanks, and but what adds nothing to one not accepted.
#
# Whatever alarms opens it always.


def reopens(state: "State", incoming: Incoming, ticket: TicketState) -> bool:
    """Say whether a message that is filed in a ticket opens it again."""
    if ticket.status not in CLOSED:
        return False
    if is_alarm(incoming.features.codes):
        return True
    if only_thanks(state, incoming.features, ticket):
        return False
    return ticket.status != "not_accepted" or _adds(state, incoming, ticket)


def only_thanks(state: "State", features: Features, ticket: TicketState) -> bool:
    """Say whether a message only gives thanks, and names nothing that its ticket has not."""
    is_praise = by_kind(features.codes).get("request_kind") == "praise"
    return is_praise and not is_alarm(features.codes) and state.near.knows_matter(features, ticket.order)


def _adds(state: "State", incoming: Incoming, ticket: TicketState) -> bool:
    """Say whether the ticket has not been told this: another text, with a name, an object or a file of its own."""
    features = incoming.features
    if not set(texts_of(features)).isdisjoint(ticket.text_keys):
        return False
    has_words = bool(features.grams)
    return incoming.has_files or not (has_words and state.near.knows_all(features, ticket.order))
