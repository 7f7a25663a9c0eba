"""Effect of a ticket's handling on the state: its class, its level, its deadlines, and the body that has it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from normalizers.enrich.codes import SURE_REPORT
from schemas.records import Event, event
from tickets.model.ticket_state import Clock, TicketState, with_more

if TYPE_CHECKING:
    from tickets.state.state import State


CLERK = "clerk"


def _kind_set(ticket: TicketState, decision: Event, change: event.KindSet) -> None:
    ticket.kind = change.kind
    if change.source == CLERK:
        _by_clerk(ticket, "kind", *([SURE_REPORT] if change.kind == "report" else []))


def _category_set(ticket: TicketState, decision: Event, change: event.CategorySet) -> None:
    ticket.category = change.code
    if change.source == CLERK:
        _by_clerk(ticket, "category")


def _confidentiality_set(ticket: TicketState, decision: Event, change: event.ConfidentialitySet) -> None:
    ticket.confidentiality = change.level
    if change.source == CLERK:
        _by_clerk(ticket, "confidentiality", *(["confidentiality.restricted"] if change.level == "restricted" else []))


def _minor_flagged(ticket: TicketState, decision: Event, change: event.MinorFlagged) -> None:
    ticket.minor_flagged = change
    if change.source == CLERK:
        ticket.minor = change.flag
        _by_clerk(ticket, "minor", *([f"minor.{change.role}"] if change.flag else []))


def _deadline_set(ticket: TicketState, decision: Event, change: event.DeadlineSet) -> None:
    if change.ended:
        ticket.clocks.pop(change.clock, None)
    else:
        former = ticket.clocks.get(change.clock)
        started_at = change.started_at or (former.started_at if former else ticket.opened_at)
        ticket.clocks[change.clock] = Clock(
            change.due_at, change.policy_id, change.calendar_version, change.provisional, started_at, change.extension
        )
    name = f"deadline.{change.clock}"
    if change.source == CLERK:
        if not change.extension:  # more time leaves the limit the rule's
            _by_clerk(ticket, name)
    elif _begins_or_ends(change):
        ticket.by_clerk = tuple(one for one in ticket.by_clerk if one != name)


def _begins_or_ends(change: event.DeadlineSet) -> bool:
    """Say whether a clock starts anew or ends, as a person's time does when it has passed."""
    return change.started_at is not None or change.ended


def _place_set(ticket: TicketState, decision: Event, change: event.PlaceSet) -> None:
    ticket.place = change.adcode
    if change.source == CLERK:
        _by_clerk(ticket, "place")


def _returned(ticket: TicketState, decision: Event, change: event.Returned) -> None:
    give_back(ticket)


def give_back(ticket: TicketState) -> None:
    """Note that the organizer who has a ticket gave it back (退单)."""
    if ticket.organizer is not None:
        ticket.returned_by.append(ticket.organizer)
        ticket.organizer = None


def _dispatch_proposed(ticket: TicketState, decision: Event, change: event.DispatchProposed) -> None:
    ticket.proposed_dispatch = change


def _dispatched(ticket: TicketState, decision: Event, change: event.Dispatched) -> None:
    ticket.organizer = change.organizer
    ticket.first_organizer = ticket.first_organizer or change.organizer
    if decision.relation == "command":
        _by_clerk(ticket, "dispatch")


def _by_clerk(ticket: TicketState, name: str, *codes: str) -> None:
    """Note what a person said of a ticket, and the codes that say so, too."""
    ticket.by_clerk = with_more(ticket.by_clerk, (name,))
    ticket.codes = with_more(ticket.codes, codes)


def _of_a_ticket(step: Callable[[TicketState, Event, Any], None]) -> Callable[["State", Event, Any], None]:
    """Return a step that does nothing where nobody holds the ticket any more."""

    def alter(state: "State", decision: Event, change: Any) -> None:
        ticket = state.tickets.get(change.ticket_id)
        if ticket is not None:
            step(ticket, decision, change)

    return alter


REDUCERS: dict[type, Callable[["State", Event, Any], None]] = {
    event.KindSet: _of_a_ticket(_kind_set),
    event.CategorySet: _of_a_ticket(_category_set),
    event.ConfidentialitySet: _of_a_ticket(_confidentiality_set),
    event.MinorFlagged: _of_a_ticket(_minor_flagged),
    event.PlaceSet: _of_a_ticket(_place_set),
    event.DeadlineSet: _of_a_ticket(_deadline_set),
    event.Dispatched: _of_a_ticket(_dispatched),
    event.Returned: _of_a_ticket(_returned),
    event.DispatchProposed: _of_a_ticket(_dispatch_proposed),
}
"""By the kind of change, as in `tickets/state/reducers/__init__.py`."""
