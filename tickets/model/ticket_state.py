"""What later decisions need of one live ticket; its body is the last snapshot, kept beside it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct, field

from normalizers.similarity.stated_identity import ON_BEHALF
from schemas.records import Edge
from schemas.records.event import DispatchProposed, MinorFlagged
from schemas.records.ticket import Proposal
from tickets.codes import by_kind, place_of


class Filed(Struct, frozen=True, array_like=True, gc=False):
    """Where a message stands in the input, the version of its link, and the month (UTC) of its intake: ``2026-11``.

    `codes` are those of its findings, `contacts` the hashed contact details in its text, `stated` the hashed name by
    which somebody asks: what a ticket keeps of them when another message leaves it. `gone` is whether the archive has
    emptied it.
    """

    offset: int
    link_version: int
    month: str
    codes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    gone: bool = False


_NOTED = {
    "kind": "confidentiality.report",
    "confidentiality": "confidentiality.restricted",
    "minor": "minor.",
}
"""Codes that a clerk's decision adds to the messages', by its name in `by_clerk` (`reducers/handling.py`)."""


def month_of(at: datetime) -> str:
    """Return the month (UTC) of an intake, as the archive's index of messages has it."""
    there = at.astimezone(UTC)
    return f"{there.year:04d}-{there.month:02d}"


def with_more(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is known, and behind it what of `more` is new."""
    return tuple(dict.fromkeys((*known, *more))) if more and more != known else known


class Remaining(NamedTuple):
    """What stays in a ticket when a message moves to another: hashed contact details, and the matter.

    Kind, category and place are those of the first message that names them.
    """

    contacts: tuple[str, ...]
    kind: str | None
    category: str | None
    place: str | None


def proposals_without(proposals: Iterable[Proposal], message_id: str) -> tuple[Proposal, ...]:
    """Return the proposals that were not made about this message."""
    return tuple(one for one in proposals if one.proposal_id.partition("-")[0] != message_id)


def _first(values: Iterable[str | None]) -> str | None:
    return next(filter(None, values), None)


class Clock(Struct, frozen=True, array_like=True, gc=False):
    """A deadline that runs, when it began, and how many of its limit's unit a clerk added (延期)."""

    due_at: datetime
    policy_id: str
    calendar_version: str
    provisional: bool
    started_at: datetime
    extension: int = 0


class Early(Struct, frozen=True, array_like=True, gc=False):
    """When and by whom a hand-over was acknowledged whose ticket was not decided yet."""

    at: datetime
    author: str | None


class Findable(Struct, kw_only=True, array_like=True):
    """What a ticket is found by; it stands first, so that a packed ticket is filed without being read to its end.

    `dangling` are the hashed thread ids that its messages answer and nobody knows yet.
    """

    ticket_id: str
    ticket_no: str
    jurisdiction: str
    order: int
    closed_at: datetime | None = None
    requesters: tuple[str, ...] = ()
    text_keys: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    dangling: tuple[str, ...] = ()


class TicketState(Findable, kw_only=True, array_like=True):
    """One live ticket. `order` counts the tickets of the partition in the order they were opened.

    `messages` are filed in it; `noted` are those of machines that only answered it.
    `kind`, `category` and `danger` (an emergency that goes on) are what its limits are chosen by.
    `place` is an adcode; `organizer` has the ticket now, `first_organizer` had it first, `returned_by` gave it back.
    `call` is the conversation of the call that opened it; `reopened_at` is when it was last reopened, `dispatched_at`
    when somebody last got it. `heard_at` is when it last got a further message that says something.
    `channel` is that of its first message; None of tickets whose opening was written down without it.
    `redacted_at` is when something was last blacked out, `files_redacted` whether its files were.
    `typed` is whether a form opened it, into which anybody can type another's telephone.
    `resolved` is whether it was resolved (办结) since it was opened, or opened again.
    `dismissed` are messages of which a clerk said that they tell of no danger.
    `minor` is a clerk's word: a minor is concerned, or not; `minor_flagged` is the last flag, by a rule or a clerk.
    `by_clerk` names what a person set: kind, category, place, confidentiality, minor, dispatch, deadline.<clock>. No
    rule or model changes that.
    """

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
    participants: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    messages: dict[str, Filed] = field(default_factory=dict)
    noted: dict[str, Filed] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()
    by_clerk: tuple[str, ...] = ()
    call: str | None = None
    reopened_at: datetime | None = None
    minor: bool | None = None
    minor_flagged: MinorFlagged | None = None
    redacted_at: datetime | None = None
    erased: bool = False
    dispatched_at: datetime | None = None
    dismissed: tuple[str, ...] = ()
    heard_at: datetime | None = None
    typed: bool = False
    channel: str | None = None
    files_redacted: bool = False
    resolved: bool = False

    @property
    def redacted(self) -> bool:
        """Return True if something was blacked out."""
        return self.redacted_at is not None

    def codes_without(self, message_id: str) -> tuple[str, ...]:
        """Return the codes that stay when a message leaves: those of the others, and what a clerk may have noted."""
        told = [code for name, filed in self.messages.items() if name != message_id for code in filed.codes]
        noted = tuple(prefix for name, prefix in _NOTED.items() if name in self.by_clerk)
        return tuple(dict.fromkeys((*told, *(code for code in self.codes if code.startswith(noted)))))

    def codes_that_stand(self) -> tuple[str, ...]:
        """Return the codes without those that a clerk's word took back: no report, not restricted, no minor."""
        taken_back = (
            *(("confidentiality.report",) if "kind" in self.by_clerk and self.kind != "report" else ()),
            *(
                ("confidentiality.",)
                if "confidentiality" in self.by_clerk and self.confidentiality != "restricted"
                else ()
            ),
            *(("minor.",) if self.minor is False else ()),
        )
        return tuple(code for code in self.codes if not code.startswith(taken_back)) if taken_back else self.codes

    def without(self, message_id: str) -> "Remaining":
        """Return what the ticket knows without one of its messages: from the other messages, or from a clerk."""
        others = [filed for name, filed in self.messages.items() if name != message_id]
        found = [by_kind(filed.codes) for filed in others]
        said = self.by_clerk
        return Remaining(
            contacts=tuple(dict.fromkeys(contact for filed in others for contact in filed.contacts)),
            kind=self.kind if "kind" in said else _first(one.get("request_kind") for one in found),
            category=self.category if "category" in said else _first(one.get("category") for one in found),
            place=self.place if "place" in said else _first(place_of(filed.codes) for filed in others),
        )

    def stated(self) -> set[str]:
        """Return under which names its messages asked, hashed."""
        return {name for filed in self.messages.values() for name in filed.stated}

    def is_anothers(self, stated: tuple[str, ...]) -> bool:
        """Return True if its messages state another surname, name, sex or room from the same telephone than these.

        Whoever is written for (替我妈问) is another, unless one of them was written for the same.
        """
        if not stated:
            return False
        known = self.stated()
        written_for = {one for one in stated if one.startswith(ON_BEHALF)}
        if written_for and written_for.isdisjoint(known):
            return True
        ours, theirs = _by_kind(stated), _by_kind(known)
        return any(names.isdisjoint(theirs.get(kind, names)) for kind, names in ours.items())

    def proposal(self, proposal_id: str) -> Proposal | None:
        """Return an open proposal."""
        return next((one for one in self.proposals if one.proposal_id == proposal_id), None)


def _by_kind(stated: Iterable[str]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for one in stated:
        kind, _, which = one.rpartition("-")
        kinds.setdefault(kind, set()).add(which)
    return kinds
