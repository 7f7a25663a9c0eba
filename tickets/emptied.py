"""A requester and a place that were taken from a ticket are not filled in again: they are known by keyed digests."""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from normalizers.identity import identity_of
from normalizers.text import fold
from schemas.records import Ticket
from schemas.records.common import Party
from schemas.records.ticket import Location, Requester
from tickets.other_forms import letters
from tickets.said_again import Hashed

_KINDS = {"phone": "phone", "email": "email", "openid": "openid", "weibo_uid": "uid", "uid": "uid"}
"""Of what kind a requester's fields are."""


def digests(ticket: Ticket, fields: Collection[str], key: bytes, *, is_off_map: bool) -> tuple[str, ...]:
    """Return by what the values of these fields are known again; `is_off_map` says that no point may come back."""
    hashed = Hashed(ticket.ticket_id, key)
    gone = {*_of_requester(ticket.requester, hashed)} if "requester" in fields else set()
    if "location" in fields and ticket.location is not None and ticket.location.text:
        gone.add(_place(ticket.location.text, hashed))
    if is_off_map:
        gone.add(_point(hashed))
    return tuple(sorted(gone))


def not_again(ticket: Ticket, key: bytes) -> Ticket:
    """Return a ticket without what was emptied before, whatever message brings it."""
    hashed, kept = Hashed(ticket.ticket_id, key), frozenset(ticket.redacted_words or ())
    requester = _requester_without(ticket.requester, hashed, kept)
    place = ticket.location and _place_without(ticket.location, hashed, kept)
    return replace(ticket, requester=requester, location=place)


def _of_requester(requester: Requester, hashed: Hashed) -> Iterator[str]:
    values = ((kind, getattr(requester, name)) for name, kind in _KINDS.items())
    yield from (_value(kind, value, hashed) for kind, value in values if value)
    yield from (_value(one.kind, one.value, hashed) for one in requester.identities)
    yield from (_name(name, hashed) for name in (requester.name, *(one.name for one in requester.identities)) if name)


def _requester_without(requester: Requester, hashed: Hashed, kept: Collection[str]) -> Requester:
    def unless_kept(name: str | None) -> str | None:
        return name if name and _name(name, hashed) not in kept else None

    def is_kept(kind: str, value: str | None) -> bool:
        return bool(value) and _value(kind, value or "", hashed) in kept

    known = {name: None for name, kind in _KINDS.items() if is_kept(kind, getattr(requester, name))}
    parties = (one for one in requester.identities if not is_kept(one.kind, one.value))
    identities = tuple(replace(one, name=unless_kept(one.name)) for one in parties)
    return replace(requester, name=unless_kept(requester.name), identities=identities, **known)


def _place_without(place: Location, hashed: Hashed, kept: Collection[str]) -> Location:
    is_again = bool(place.text) and _place(place.text or "", hashed) in kept
    if is_again or _point(hashed) in kept:
        place = replace(place, longitude=None, latitude=None, datum=None)
    return replace(place, text=None) if is_again else place


def _value(kind: str, value: str, hashed: Hashed) -> str:
    """Return by what a number, address or id is known in its one spelling; one that is none as a name is."""
    identity = identity_of(Party(kind=kind, value=value))
    return hashed.value(kind, identity) if identity is not None else _name(value, hashed)


def _name(name: str, hashed: Hashed) -> str:
    return hashed.value("name", letters(fold(name)))


def _place(text: str, hashed: Hashed) -> str:
    return hashed.value("place", letters(fold(text)))


def _point(hashed: Hashed) -> str:
    return hashed.value("point", "")
