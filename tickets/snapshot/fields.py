"""Requester, files and place of a ticket, collected from its messages without repeats."""

from collections.abc import Iterable

from msgspec.structs import replace

from normalizers.parse.coordinates import coordinates
from schemas.records import Attachment, Event, Message
from schemas.records.common import Party
from schemas.records.ticket import Location, Requester
from tickets.codes import is_of_participant
from tickets.model import limits
from tickets.policy import TicketPolicy

# Files of a ticket: those of a further message, and the results of files that were only named.


def added(there: tuple[Attachment, ...], message: Message, policy: TicketPolicy) -> tuple[Attachment, ...]:
    """Add missing files; a file without a digest equals only an identical entry."""
    if not message.attachments:
        return there
    known = {file.sha256 or file for file in there}
    files = map(limits.short_file, message.attachments)
    return limits.ends((*there, *(one for one in files if (one.sha256 or one) not in known)), policy.max_attachments)


def settled(there: tuple[Attachment, ...], known: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Replace the entry of a waiting file by its result; the name stays the message's."""
    fate = {file.id: file for file in known if file.dataref or file.unavailable}
    return tuple(
        replace(fate[one.id], name=one.name, media_type=_finer(one, fate[one.id]))
        if one.id in fate and not (one.dataref or one.unavailable)
        else one
        for one in there
    )


def _finer(told: Attachment, fetched: Attachment) -> str:
    """Return the type found by the download; `application/octet-stream` is less precise than `image/*`."""
    return told.media_type if fetched.media_type == "application/octet-stream" else fetched.media_type


# Place of a ticket's matter (事发地址), collected from its messages.


def told(message: Message, place: str | None, adcode: str | None) -> Location | None:
    """Return the place in words, as a division and as a point on a map; None if unknown."""
    longitude, latitude, datum = coordinates(message.findings) or (None, None, None)
    if not place and not adcode and datum is None:
        return None
    return Location(text=_shown(place), adcode=adcode, longitude=longitude, latitude=latitude, datum=datum)


def named(message: Message) -> str | None:
    """Return the place that a message names, in the form of its ticket."""
    return _shown(next((one.value for one in message.findings if one.kind == "place"), None))


def _shown(place: str | None) -> str | None:
    return limits.beginning(place, limits.VALUE_CHARACTERS) if place else None


def joined(there: Location | None, more: Location | None) -> Location | None:
    """Keep the first place; a point that is shared later is added to a place with words only."""
    if there is None or more is None or more.datum is None or there.datum is not None:
        return there or more
    return replace(there, longitude=more.longitude, latitude=more.latitude, datum=more.datum)


_KNOWN_BY = frozenset({"phone", "email", "openid", "uid"})


def requester_of(message: Message) -> Requester:
    """Return the sender of a message, with all identities in it."""
    if message.sender is None:
        return Requester()
    sender = limits.short_party(message.sender)
    known = sender.kind if sender.kind in _KNOWN_BY else None
    if known == "uid" and message.channel == "weibo":
        known = "weibo_uid"
    name = sender.name or (sender.value if sender.kind == "name" else None)
    own = next(iter(message.features.requesters), None)
    return Requester(id=own, name=name, identities=(sender,), **({known: sender.value} if known else {}))


def with_sender(first: Requester, message: Message, decision: Event, policy: TicketPolicy, text: str) -> Requester:
    """Return the requester with the sender's identities; a participant's are listed separately and give no name."""
    more = requester_of(message)
    parties = _parties((*first.identities, *more.identities))
    known = replace(first, identities=limits.people(parties, policy.max_identities, text))
    if is_of_participant(decision.method):
        return known
    return replace(
        known,
        name=first.name or more.name,
        phone=first.phone or more.phone,
        email=first.email or more.email,
        openid=first.openid or more.openid,
        weibo_uid=first.weibo_uid or more.weibo_uid,
        uid=first.uid or more.uid,
    )


def _parties(parties: tuple[Party, ...]) -> tuple[Party, ...]:
    """Keep each party once. Another display name on a number is an entry of its own: masks look for every name."""
    named = {(party.kind, party.value) for party in parties if party.name}
    kept = [party for party in reversed(parties) if party.name or (party.kind, party.value) not in named]
    return tuple({(party.kind, party.value, party.name): party for party in kept}.values())[::-1]
