"""How the handling of a ticket alters the state: its class, who may see it, its deadlines, who has it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from normalizers.features import SURE_REPORT
from schemas.records import Event, event
from tickets.held import Clock, TicketState, with_more

if TYPE_CHECKING:
    from tickets.state import State


def _kind_set(state: "State", decision: Event, change: event.KindSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.kind = change.kind
        if change.kind == "report" and change.source == "clerk":
            ticket.codes = with_more(ticket.codes, (SURE_REPORT,))
    _by_clerk(state, change.ticket_id, "kind", change.source == "clerk")


def _category_set(state: "State", decision: Event, change: event.CategorySet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.category = change.code
    _by_clerk(state, change.ticket_id, "category", change.source == "clerk")


def _confidentiality_set(state: "State", decision: Event, change: event.ConfidentialitySet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.confidentiality = change.level
        if change.level == "restricted" and change.source == "clerk":
            ticket.codes = with_more(ticket.codes, ("confidentiality.restricted",))
    _by_clerk(state, change.ticket_id, "confidentiality", change.source == "clerk")


def _minor_flagged(state: "State", decision: Event, change: event.MinorFlagged) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.minor_flagged = change
        if change.source == "clerk":
            ticket.minor = change.flag
            if change.flag:
                ticket.codes = with_more(ticket.codes, (f"minor.{change.role}",))
    _by_clerk(state, change.ticket_id, "minor", change.source == "clerk")


def _deadline_set(state: "State", decision: Event, change: event.DeadlineSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None and change.ended:
        ticket.clocks.pop(change.clock, None)
    elif ticket is not None:
        former = ticket.clocks.get(change.clock)
        started_at = change.started_at or (former.started_at if former else ticket.opened_at)
        ticket.clocks[change.clock] = Clock(
            change.due_at, change.policy_id, change.calendar_version, change.provisional, started_at, change.extension
        )
    name = f"deadline.{change.clock}"
    is_by_hand = change.source == "clerk" and not change.extension  # more time leaves the limit the rule's
    _by_clerk(state, change.ticket_id, name, is_by_hand)
    if ticket is not None and name in ticket.by_clerk and change.source != "clerk" and _begins_or_ends(change):
        ticket.by_clerk = tuple(one for one in ticket.by_clerk if one != name)


def _begins_or_ends(change: event.DeadlineSet) -> bool:
    """Say whether a clock starts anew or ends, as a person's time does when it has passed."""
    return change.started_at is not None or change.ended


def _place_set(state: "State", decision: Event, change: event.PlaceSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.place = change.adcode
    _by_clerk(state, change.ticket_id, "place", change.source == "clerk")


def _returned(state: "State", decision: Event, change: event.Returned) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        give_back(ticket)


def give_back(ticket: TicketState) -> None:
    """Note that the organizer who has a ticket gave it back (退单)."""
    if ticket.organizer is not None:
        ticket.returned_by.append(ticket.organizer)
        ticket.organizer = None


def _dispatch_proposed(state: "State", decision: Event, change: event.DispatchProposed) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.proposed_dispatch = change


def _dispatched(state: "State", decision: Event, change: event.Dispatched) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.organizer = change.organizer
        ticket.first_organizer = ticket.first_organizer or change.organizer
    _by_clerk(state, change.ticket_id, "dispatch", decision.relation == "command")


def _by_clerk(state: "State", ticket_id: str, name: str, said: bool) -> None:
    ticket = state.tickets.get(ticket_id)
    if ticket is not None and said:
        ticket.by_clerk = with_more(ticket.by_clerk, (name,))


STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.KindSet: _kind_set,
    event.CategorySet: _category_set,
    event.ConfidentialitySet: _confidentiality_set,
    event.MinorFlagged: _minor_flagged,
    event.PlaceSet: _place_set,
    event.DeadlineSet: _deadline_set,
    event.Dispatched: _dispatched,
    event.Returned: _returned,
    event.DispatchProposed: _dispatch_proposed,
}
"""By the kind of change, as in `tickets/steps.py`."""
