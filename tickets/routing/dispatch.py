"""Dispatch proposals (派单建议): who should deal with a ticket by the city's directory; a clerk dispatches."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from schemas.enums import UNKNOWN
from schemas.records import event
from tickets.codes import REMEMBERED, by_kind, is_below
from tickets.lifecycle import CLOSED, WITH_AN_ORGANIZER
from tickets.model.ticket_state import TicketState
from tickets.opening import only_opened
from tickets.routing.directory import Directories, Directory, Rule


class Case(Struct, frozen=True, kw_only=True):
    """What a proposal looks at: the matter, who gave the ticket back, oldest first, who has it and who had it first.

    `is_again` is whether it was reopened (重办), however far it came since; `accused` whether some message of it
    accuses an official or a body.
    """

    kind: str | None = None
    category: str | None = None
    place: str | None = None
    returned_by: tuple[str, ...] = ()
    organizer: str | None = None
    first: str | None = None
    status: str = "received"
    is_again: bool = False
    accused: bool = False


def follow(
    tickets: Mapping[str, TicketState], known: Directories, changes: event.Changes, codes: tuple[str, ...] = ()
) -> tuple[event.DispatchProposed, ...]:
    """Return the proposals that follow from the other changes of a decision; `codes` are the filed message's.

    None is made for a ticket that an organizer has: a clerk's dispatch stands until it comes back.
    """
    if (opened := only_opened(changes)) is not None:
        directory = known.of(opened.split("-", 1)[0])
        return (replace(_of_new(directory, codes), ticket_id=opened),) if directory is not None else ()
    touched = dict.fromkeys([ticket_id for one in changes for ticket_id in _touched(one)])
    made = (_of_ticket(ticket_id, tickets.get(ticket_id), known, changes, codes) for ticket_id in touched)
    return tuple(one for one in made if one is not None)


@lru_cache(REMEMBERED)
def _of_new(directory: Directory, codes: tuple[str, ...]) -> event.DispatchProposed:
    """Return the proposal for a new ticket, without its name: by the codes of its message alone."""
    told = by_kind(codes)
    kind, category, place = (told.get(name) for name in ("request_kind", "category", "place"))
    case = Case(kind=kind, category=category, place=place, accused=_accuses(codes))
    return propose(directory, "", case)


_ACCUSED = "accused."
"""How the codes of a message begin that accuses somebody in office (`normalizers/enrich/informants.py`)."""

_ALTERING = frozenset(
    {event.KindSet, event.CategorySet, event.PlaceSet, event.Returned, event.Reopened, event.StatusSet}
)
_TELLING = _ALTERING | {event.Opened, event.MessageFiled}
"""Changes after which another office may be the right one; the former alter a case that is there."""


def _touched(change: event.AnyChange) -> tuple[str, ...]:
    if isinstance(change, event.Moved):
        return (change.from_ticket_id, change.to_ticket_id)
    return (getattr(change, "ticket_id", ""),) if type(change) in _TELLING else ()


def _of_ticket(
    ticket_id: str, held: TicketState | None, known: Directories, changes: event.Changes, codes: tuple[str, ...]
) -> event.DispatchProposed | None:
    directory = known.of(ticket_id.split("-", 1)[0])
    mine = [one for one in changes if _is_about(one, ticket_id)]
    case = _case(ticket_id, held, mine, by_kind(codes))
    if directory is None or case.status in WITH_AN_ORGANIZER or case.status in CLOSED:
        return None
    case = replace(case, accused=_accuses((*(held.codes if held else ()), *codes)))
    proposal = propose(directory, ticket_id, case)
    return None if held is not None and _is_the_same(proposal, held.proposed_dispatch) else proposal


def _is_the_same(proposal: event.DispatchProposed, former: event.DispatchProposed | None) -> bool:
    """Return True if a proposal equals the one before, apart from the version of the directory."""
    return former is not None and replace(proposal, directory_version=former.directory_version) == former


def _is_about(change: event.AnyChange, ticket_id: str) -> bool:
    if isinstance(change, event.Moved):
        return ticket_id in (change.from_ticket_id, change.to_ticket_id)
    return getattr(change, "ticket_id", None) == ticket_id


def _case(
    ticket_id: str, held: TicketState | None, changes: Iterable[event.AnyChange], told: Mapping[str, str]
) -> Case:
    """Return the ticket as it is after these changes: it is not folded yet."""
    moved = next((one for one in changes if isinstance(one, event.Moved)), None)
    left = moved is not None and moved.from_ticket_id == ticket_id
    filed = any(isinstance(one, event.MessageFiled) for one in changes) or (moved is not None and not left)
    new = told if filed else {}
    known = held.without(moved.message_id) if held and moved and left else held
    case = Case(
        kind=(known.kind if known else None) or new.get("request_kind"),
        category=(known.category if known else None) or new.get("category"),
        place=(known.place if known else None) or new.get("place"),
        returned_by=tuple(held.returned_by) if held else (),
        organizer=held.organizer if held else None,
        first=held.first_organizer if held else None,
        status=held.status if held else "received",
        is_again=held is not None and held.reopened_at is not None,
    )
    for change in changes:
        if type(change) in _ALTERING:
            case = _after(case, change)
    return case


def _after(case: Case, change: event.AnyChange) -> Case:
    match change:
        case event.KindSet():
            return replace(case, kind=change.kind)
        case event.CategorySet():
            return replace(case, category=change.code)
        case event.PlaceSet():
            return replace(case, place=change.adcode)
        case event.StatusSet():
            return replace(_given_back(case) if change.status == "returned" else case, status=change.status)
        case event.Reopened():
            return replace(case, status="reopened")
        case event.Returned():
            return _given_back(case)
        case _:
            return case


def _given_back(case: Case) -> Case:
    if case.organizer is None:
        return case
    return replace(case, returned_by=(*case.returned_by, case.organizer), organizer=None)


def _accuses(codes: Iterable[str]) -> bool:
    return any(code.startswith(_ACCUSED) for code in codes)


def propose(directory: Directory, ticket_id: str, case: Case) -> event.DispatchProposed:
    """Return who should deal with the case and why; nobody when all whom the directory lists gave it back.

    A case that accuses an official or a body goes to discipline inspection (纪检监察), or to nobody where the directory
    names no such office: the accused one may be any that the rules list.
    """
    if case.accused:
        return event.DispatchProposed(
            ticket_id=ticket_id,
            directory_version=directory.version,
            organizer=directory.inspection if directory.inspection not in case.returned_by else None,
            co_organizers=(),
            rule_id=None,
            reason_code="accused",
            excluded=tuple(dict.fromkeys(case.returned_by)),
        )
    gone = dict.fromkeys(case.returned_by)
    limit = directory.first_after_returns
    first_again = case.first is not None and 0 < limit <= len(case.returned_by)
    is_again = case.is_again or case.status == "reopened"
    if first_again or (is_again and case.first is not None and case.first not in gone):
        rule = None if first_again else _listing(directory, case)
        return event.DispatchProposed(
            ticket_id=ticket_id,
            directory_version=directory.version,
            organizer=case.first,
            co_organizers=tuple(one for one in gone if one != case.first)
            if first_again
            else _helpers(rule, case.first, gone),
            rule_id=rule.id if rule else None,
            reason_code="first_responsible",
            excluded=() if first_again else tuple(gone),
        )
    organizer, rule = next(_candidates(directory, case, gone), (None, None))
    return event.DispatchProposed(
        ticket_id=ticket_id,
        directory_version=directory.version,
        organizer=organizer,
        co_organizers=_helpers(rule, organizer, gone),
        rule_id=rule.id if rule else None,
        reason_code=_reason(organizer, rule, gone),
        excluded=tuple(gone),
    )


def _listing(directory: Directory, case: Case) -> Rule | None:
    """Return the rule for the matter that names who had the ticket first; no other says who helps that office."""
    fitting = _fitting(directory, case.kind, case.category, case.place)
    return next((rule for rule in fitting if case.first in rule.organizers), None)


def _helpers(rule: Rule | None, organizer: str | None, gone: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in rule.co_organizers if one != organizer and one not in gone) if rule else ()


def _candidates(directory: Directory, case: Case, gone: Iterable[str]) -> Iterator[tuple[str, Rule | None]]:
    for rule in _fitting(directory, case.kind, case.category, case.place):
        yield from ((one, rule) for one in rule.organizers if one not in gone)
    yield from ((one, None) for one in directory.fallback if one not in gone)


@lru_cache(REMEMBERED)
def _fitting(directory: Directory, kind: str | None, category: str | None, place: str | None) -> tuple[Rule, ...]:
    """Return the rules for a matter, in their order."""
    return tuple(rule for rule in directory.rules if _fits(rule, kind, category, place))


def _fits(rule: Rule, kind: str | None, category: str | None, place: str | None) -> bool:
    return (
        (not rule.kinds or (kind or UNKNOWN) in rule.kinds)
        and (not rule.categories or any(is_below(category, one) for one in rule.categories))
        and (not rule.places or (place or "").startswith(rule.places))
    )


def _reason(organizer: str | None, rule: Rule | None, gone: Mapping[str, None]) -> str:
    if organizer is None:
        return "nobody_left"
    if gone:
        return "after_return"
    return "directory" if rule is not None else "fallback"
