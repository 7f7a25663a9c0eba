"""What later decisions need of one live ticket; its body is the last snapshot, kept beside it."""

from datetime import datetime

from msgspec import Struct, field

from schemas.records import Edge
from schemas.records.event import DispatchProposed
from schemas.records.ticket import Proposal


class Filed(Struct, frozen=True, array_like=True):
    """Where a message stands in the input, the version of its link, and the month (UTC) of its intake: ``2026-11``."""

    offset: int
    link_version: int
    month: str


class Clock(Struct, frozen=True, array_like=True):
    """A deadline that runs, and when it began."""

    due_at: datetime
    policy_id: str
    calendar_version: str
    provisional: bool
    started_at: datetime


class TicketState(Struct, kw_only=True):
    """One live ticket. `order` counts the tickets of the partition in the order they were opened.

    `messages` are filed in it; `noted` are those of machines that only answered it.
    `kind`, `category` and `danger` (an emergency that goes on) are what its limits are chosen by.
    `place` is an adcode; `organizer` has the ticket now, `first_organizer` had it first, `returned_by` gave it back.
    `by_clerk` names what a person set: kind, category, confidentiality, minor, dispatch, deadline.<clock>. No rule or
    model changes that.
    """

    ticket_id: str
    ticket_no: str
    jurisdiction: str
    order: int
    opened_at: datetime
    status_at: datetime
    version: int = 0
    status: str = "received"
    kind: str | None = None
    category: str | None = None
    danger: bool = False
    confidentiality: str = "internal"
    place: str | None = None
    organizer: str | None = None
    first_organizer: str | None = None
    returned_by: list[str] = field(default_factory=list)
    proposed_dispatch: DispatchProposed | None = None
    clocks: dict[str, Clock] = field(default_factory=dict)
    closed_at: datetime | None = None
    requesters: list[str] = field(default_factory=list)
    participants: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    text_keys: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    messages: dict[str, Filed] = field(default_factory=dict)
    noted: dict[str, Filed] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    by_clerk: list[str] = field(default_factory=list)
    incomplete: bool = False
    redacted: bool = False
    erased: bool = False

    def proposal(self, proposal_id: str) -> Proposal | None:
        """Return an open proposal."""
        return next((one for one in self.proposals if one.proposal_id == proposal_id), None)
